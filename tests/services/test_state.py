"""What a study amounts to, by the states of its images."""

import pytest

from app.services.studies.state import status_of


@pytest.mark.parametrize(
    ("images", "status"),
    [
        (["received"], "waiting"),
        (["running"], "running"),
        (["done"], "done"),
        (["failed"], "incomplete"),
        (["done", "done"], "done"),
        (["done", "received"], "waiting"),
        (["failed", "received"], "waiting"),
        (["received", "running"], "running"),
        (["done", "running"], "running"),
        (["failed", "running"], "running"),
        (["done", "failed"], "incomplete"),
        (["failed", "failed"], "incomplete"),
    ],
)
def test_the_status_of_a_study_follows_from_its_images(images, status):
    assert status_of(images) == status_of(images[::-1]) == status
