"""What users do on the pages, step by step, through what they see: roles, labels and words."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import FilePayload, Page, expect

PASSWORD = "correct horse battery"
NARROW_WIDTHS = (390, 320)


@dataclass
class Account:
    """Who signs in; `state` holds the cookies of a browser that has done so."""

    email: str
    state: dict = field(default_factory=dict)


def register(page: Page, name: str, email: str) -> Account:
    """Create an account on the page; it is signed in then."""
    page.goto("/auth/register")
    page.get_by_label("Name").fill(name)
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Upload images")
    return Account(email)


def sign_in(page: Page, email: str) -> None:
    page.goto("/auth/login")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Upload images")


def choose_files(page: Page, *files: Path | FilePayload) -> None:
    """Choose files in the dialog that the upload page opens."""
    with page.expect_file_chooser() as dialog:
        page.get_by_label("Choose images").click()
    dialog.value.set_files(list(files))


def send(page: Page, task: str, *files: Path | FilePayload, patient: str = "") -> None:
    """Fill in and send the upload form, from the upload page; `task` is the task's title."""
    page.get_by_role("radio", name=task).check()
    choose_files(page, *files)
    page.get_by_label("Patient name").fill(patient)
    page.get_by_role("button", name="Analyse images").click()


def verdict(page: Page) -> str:
    """The outcome's word in the heading of the result page, once that is there with all its rows and scripts."""
    expect(page.locator(".verdict")).to_be_visible()
    page.wait_for_load_state()
    return page.get_by_role("heading", level=1).inner_text().split(":")[0]


def assert_fits(page: Page, widths: Sequence[int] = NARROW_WIDTHS) -> None:
    """The page does not scroll sideways on narrow screens, once it has its styles and pictures."""
    page.wait_for_load_state()
    before = page.viewport_size
    for width in widths:
        page.set_viewport_size({"width": width, "height": 800})
        excess = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert excess <= 0, f"{page.url} is {excess} px wider than {width} px"
    page.set_viewport_size(before)
