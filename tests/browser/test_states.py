"""A study whose second image failed, and the way out of it."""

import pytest
from playwright.sync_api import Page, expect

from app.entities import FailureCode, Image, ImageStatus
from app.extensions import db
from app.services.studies.state import settle
from tests.browser.steps import assert_fits, send, verdict
from tests.browser.test_ways import DRAWN, OTHER
from tests.conftest import DATABASE_URL, make_app
from tests.real_server import RealServer


@pytest.fixture
def incomplete(page: Page, server: RealServer) -> Page:
    """The result page of two images, the second of which is made to have failed."""
    page.goto("/upload")
    send(page, "Brain MRI", DRAWN, OTHER)
    assert verdict(page) == "Not assessed"
    folder = server.log.parent
    url = f"sqlite:///{folder}/instance/lumen.db" if DATABASE_URL.startswith("sqlite") else DATABASE_URL
    with make_app(folder / "unused", url).app_context():
        image = db.session.query(Image).order_by(Image.id.desc()).first()
        db.session.query(type(image.analysis)).filter_by(image_id=image.id).delete()
        image.status, image.failure_code = ImageStatus.FAILED, FailureCode.CRASHED
        settle(image.id)
        db.session.commit()
        db.session.remove()
        db.engine.dispose()
    page.reload()
    return page


def test_it_is_told_first_and_the_image_is_tried_again(incomplete):
    page = incomplete
    assert verdict(page) == "Incomplete"
    expect(page.locator(".verdict")).to_contain_text("1 of 2 images could not be analysed: no result for the study")
    assert_fits(page)
    page.get_by_role("button", name="Try image 2 again").click()
    assert verdict(page) == "Not assessed"
    expect(page.get_by_role("button", name="again")).to_have_count(0)
    assert page.url.endswith("#image-2")
