"""Commands that make and measure networks. A choice of networks that cannot be followed ends each of them at once."""

from models.registry import UnfitChoice, all_tasks

try:
    all_tasks()
except UnfitChoice as error:
    raise SystemExit(str(error)) from None
