"""Keeps what shows patients' pictures out of the repository."""

from pathlib import Path

ROOT = Path(__file__).parents[2]


class InsideRepository(ValueError):
    """Patients' pictures would be written into the repository; the message says where else to go."""


def check_outside_repository(folder: Path) -> None:
    """Raises InsideRepository for a folder in the repository, however it is written."""
    if folder.resolve().is_relative_to(ROOT.resolve()):
        raise InsideRepository(f"{folder} lies in the repository, which may show no patient's picture. Name another.")
