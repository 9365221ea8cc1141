"""Sessions: a signed cookie with the user's id and session key, a time of sign-in and a time of last use.

A session ends on the server: log-out, a new password and an administrator's "disable" each give the user a new
session key, and cookies that hold the former one are worth nothing.
"""

import time

from flask import Flask, current_app, flash, redirect, request, session, url_for
from flask_login import current_user, login_user
from werkzeug import Response

from app.entities import User, new_key
from app.extensions import login_manager
from app.services import accounts

# A cookie is written at most this often, so that pictures loading at the same time do not overwrite each other's.
SEEN_STEP = 60
# What a user who must change the password may still reach.
OPEN_WITH_ONE_TIME_PASSWORD = {"auth.password", "auth.logout", "static", "health.live", "health.ready"}


def register(app: Flask) -> None:
    """Load users from sessions, end old sessions, and insist that one-time passwords are changed."""
    # The identifier check of Flask-Login would end sessions when a phone changes its network.
    login_manager.session_protection = None
    login_manager.user_loader(_load_user)
    login_manager.unauthorized_handler(_ask_to_sign_in)
    app.before_request(_insist_on_new_password)


def start_session(user: User) -> None:
    """Sign the user in, in a new session: nothing that stood in the former one is kept."""
    session.clear()
    now = time.time()
    session["id"] = new_key()
    session["signed_in_at"] = now
    session["seen_at"] = now
    login_user(user)


def end_session() -> None:
    """Forget everything in this browser's session."""
    session.clear()


def _load_user(session_id: str) -> User | None:
    if not _is_fresh():
        return None
    user = accounts.find_user_by_session(session_id)
    if user is None:
        session.clear()
    return user


def _is_fresh() -> bool:
    """Is the session within its idle and absolute times? Ends it if not, notes the use if so."""
    now = time.time()
    started, seen = session.get("signed_in_at", 0), session.get("seen_at", 0)
    if now - started > current_app.config["SESSION_ABSOLUTE"] or now - seen > current_app.config["SESSION_IDLE"]:
        session.clear()
        flash("Your session has ended because it was not used for a while. Please sign in again.")
        return False
    if now - seen > SEEN_STEP:
        session["seen_at"] = now
    return True


def _ask_to_sign_in() -> Response:
    # The address of a form's target alone shows nothing, so only pages are come back to.
    target = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("auth.login", next=target))


def _insist_on_new_password() -> Response | None:
    if request.endpoint in OPEN_WITH_ONE_TIME_PASSWORD or request.blueprint == "api":
        return None
    if current_user.is_authenticated and current_user.must_change_password:
        return redirect(url_for("auth.password"))
    return None
