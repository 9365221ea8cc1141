"""The words of measured performance: what the figures at home and elsewhere are of."""

from collections.abc import Sized

CAPTION = "Measured performance: at home and elsewhere"
AT_HOME = "At home: test images of the sources that the network learned from, not used for training."
ELSEWHERE = (
    "Elsewhere: short networks asked about images of hospitals and collections that they had never seen; see the model "
    "card."
)
NOT_MEASURED = "not measured yet"


def elsewhere_title(measures: Sized) -> str:
    """The title over the figures elsewhere, or that there are none."""
    return "Elsewhere" if measures else f"Elsewhere: {NOT_MEASURED}"


def notes(elsewhere: Sized) -> tuple[str, ...]:
    """What the figures of a network are of: those at home, and those elsewhere if there are any."""
    return (AT_HOME, ELSEWHERE) if elsewhere else (AT_HOME,)
