"""Who calls the API: a bearer token in each request. Cookies are not looked at."""

from flask import g, request

from app.clients import client_address, request_id
from app.entities import User
from app.errors import AppError
from app.services.accounts import tokens
from app.services.actor import Actor

CHALLENGE = 'Bearer realm="Lumen"'


class TokenNeeded(AppError):
    def __init__(self, message: str) -> None:
        super().__init__(401, "Token needed", message)


def check_token() -> None:
    """Find the caller by the token, before each request. Raises TokenNeeded."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise TokenNeeded(
            "Send a token in the header: Authorization: Bearer <token>. Tokens are made on the account page."
        )
    found = tokens.find_token(token.strip())
    if found is None:
        raise TokenNeeded("This token is not known, was revoked, or belongs to an account that is disabled.")
    g.token = found


def caller() -> User:
    """The user whose token this request carries."""
    return g.token.user


def calling_actor() -> Actor:
    """Who sends this request, by the token."""
    return Actor(caller(), client_address(), f"token {g.token.id}", request_id())
