"""Who is at the other end of the connection, and what they are called in what is written down."""

from flask import request, session
from flask_login import current_user

from app.entities import new_key
from app.services.actor import Actor


def client_address() -> str:
    """The address of the client; behind LUMEN_TRUSTED_PROXIES the one that they report. At most 45 characters."""
    return (request.remote_addr or "")[:45]


def request_id() -> str:
    """A random name of this request, the same as long as it lasts: 32 hexadecimal characters."""
    return request.environ.setdefault("lumen.request_id", new_key())


def current_actor() -> Actor:
    """Who sends this request from a page; the API knows its callers by their tokens: see api.auth."""
    user = current_user._get_current_object() if current_user.is_authenticated else None
    return Actor(user, client_address(), session.get("id", ""), request_id())
