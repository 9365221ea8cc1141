"""Fixtures: a real server with the real networks, headless Chromium, and contexts that note what no page may do."""

import shutil
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.steps import Account, register
from tests.conftest import DATABASE_URL, drop_tables, make_app
from tests.real_server import RealServer, serve

CHROMIUM = shutil.which("chromium")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
# Patience for one step, in milliseconds: a machine that trains a network beside the tests is slow.
PATIENCE = 30_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(__file__.removesuffix("conftest.py")):
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="chromium is not installed"))


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[RealServer]:
    """Lumen as it is served, with an empty database: SQLite, or the one that TEST_DATABASE_URL names."""
    folder = tmp_path_factory.mktemp("server")
    if DATABASE_URL.startswith("sqlite"):
        settings = {}
    else:
        settings = {"DATABASE_URL": DATABASE_URL}
        app = make_app(folder / "unused")
        with app.app_context():
            drop_tables()
    with serve(folder, WEB_CONCURRENCY="1", **settings) as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def open_context(browser, server) -> Iterator[Callable[..., BrowserContext]]:
    """open_context(**options): a new context on the server; `faults` of what its pages did is checked in the end."""
    opened = []

    def open_context(**options) -> BrowserContext:
        context = browser.new_context(base_url=server.address, viewport={"width": 1280, "height": 900}, **options)
        context.set_default_timeout(PATIENCE)
        context.set_default_navigation_timeout(PATIENCE)
        context.faults = watch(context, server.address)
        # Playwright catches file dialogs from the first listener on and does not wait until it does: a listener added
        # just before the click can miss the dialog, one that is there from the start cannot.
        context.on("page", lambda page: page.on("filechooser", lambda dialog: None))
        opened.append(context)
        return context

    yield open_context
    for context in opened:
        context.close()


def watch(context: BrowserContext, address: str) -> list[str]:
    """A list that grows with what no page may do: errors in the console (a breach of the content security policy is
    one), errors of scripts, requests to another host, and pictures, styles or scripts that do not load."""
    faults = []
    host = urlsplit(address).netloc

    def note_console(message) -> None:
        # A refused form answers 4xx, and Chromium writes that into the console; note_response judges the rest.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            faults.append(f"console: {message.text}")

    def note_request(request) -> None:
        target = urlsplit(request.url)
        if target.scheme in ("http", "https") and target.netloc != host:
            faults.append(f"request to another host: {request.url}")

    def note_response(response) -> None:
        if response.status >= 400 and not response.request.is_navigation_request():
            faults.append(f"{response.status}: {response.url}")

    context.on("console", note_console)
    context.on("weberror", lambda error: faults.append(f"script: {error.error}"))
    context.on("request", note_request)
    context.on("response", note_response)
    return faults


@pytest.fixture(scope="module")
def account(open_context) -> Account:
    """A clinician who registered through the page, with the state of the browser that is signed in."""
    context = open_context()
    account = register(context.new_page(), "Dr. Ada Lovelace", "ada@ward.example.org")
    account.state = context.storage_state()
    assert not context.faults
    return account


@pytest.fixture
def page(open_context, account) -> Iterator[Page]:
    """A page of a signed-in clinician; in the end it must have done nothing that no page may do."""
    context = open_context(storage_state=account.state)
    yield context.new_page()
    assert not context.faults
