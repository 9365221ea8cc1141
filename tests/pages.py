"""A client that judges every HTML page it is given, and sends the CSRF token that a browser's form would send."""

import contextvars
import secrets
from functools import partial
from html.parser import HTMLParser

from flask import has_app_context, session
from flask.testing import FlaskClient
from flask_wtf.csrf import generate_csrf
from werkzeug.test import TestResponse

from app.entities import User
from app.extensions import db

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Page(HTMLParser):
    """Reads a page strictly: every element closed in order. Collects what `judge` and tests ask about."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open_tags: list[str] = []
        self.texts: dict[str, list[str]] = {"title": [], "h1": []}
        self.ids: list[str] = []
        self.faults: list[str] = []
        self.links: list[str] = []
        self.feed(html)
        self.close()
        self.faults += [f"<{tag}> is not closed" for tag in self.open_tags]

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag not in VOID:
            self.open_tags.append(tag)
        if tag in self.texts and "svg" not in self.open_tags:
            self.texts[tag].append("")
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if tag == "a":
            self.links.append(attributes.get("href", ""))
        self._check_inline(tag, attributes)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        if not self.open_tags or self.open_tags.pop() != tag:
            self.faults.append(f"</{tag}> at line {self.getpos()[0]} closes another element")

    def handle_data(self, data):
        for tag in () if "svg" in self.open_tags else self.open_tags:
            if self.texts.get(tag):
                self.texts[tag][-1] += data

    def _check_inline(self, tag, attributes):
        if tag == "style" or "style" in attributes:
            self.faults.append(f"inline style on <{tag}>")
        if tag == "script" and "src" not in attributes:
            self.faults.append("inline script")
        self.faults += [f"inline handler {name}" for name in attributes if name.startswith("on")]

    def text(self, tag: str) -> str:
        return " ".join(self.texts[tag][0].split()) if self.texts[tag] else ""


def judge(html: str) -> Page:
    """Fail on faults that no page may have; returns the page."""
    page = Page(html)
    assert not page.faults, page.faults
    assert len(page.texts["h1"]) == 1, f"{len(page.texts['h1'])} h1"
    assert page.text("title").startswith(page.text("h1")), (page.text("title"), page.text("h1"))
    assert page.text("h1"), "the h1 is empty"
    doubles = {name for name in page.ids if page.ids.count(name) > 1}
    assert not doubles, f"ids used twice: {doubles}"
    return page


class PageClient(FlaskClient):
    """Each request runs as in production, in contexts of its own, and its page is judged.

    A POST carries a valid CSRF token unless `csrf=False`. `user` is who signed in by `sign_in`.
    """

    user: User

    def open(self, *args, **kwargs) -> TestResponse:
        kwargs.setdefault("buffered", True)
        # An empty context hides the test's own application context, which Flask would otherwise use again.
        response = contextvars.Context().run(partial(super().open, *args, **kwargs))
        if has_app_context():
            db.session.rollback()  # what the test reads next is what the request has left
        unsaved = self.application.extensions.pop("unsaved", None)
        assert unsaved is None, f"{unsaved} left changes that nobody committed"
        if response.mimetype == "text/html" and response.status_code not in (301, 302, 303, 308) and response.data:
            judge(response.text)
        return response

    def post(self, *args, csrf: bool = True, **kwargs) -> TestResponse:
        data = kwargs.get("data") or {}
        if csrf and isinstance(data, dict):
            kwargs["data"] = {"csrf_token": self.csrf_token(), **data}
        return super().post(*args, **kwargs)

    def csrf_token(self) -> str:
        """A token that belongs to this client's session, made by Flask-WTF itself."""
        with self.session_transaction() as stored:
            raw = stored.setdefault("csrf_token", secrets.token_hex(20))
        return contextvars.Context().run(self._sign, raw)

    def _sign(self, raw: str) -> str:
        with self.application.test_request_context():
            session["csrf_token"] = raw
            return generate_csrf()
