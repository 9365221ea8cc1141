"""Commands that make and measure networks. A choice of networks that cannot be followed ends each of them at once."""

from models.deployment import UnfitChoice, current_deployment

try:
    current_deployment()
except UnfitChoice as error:
    raise SystemExit(str(error)) from None
