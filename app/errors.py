"""Errors that a user is told of, and the pages (or, under /api/, the JSON) that tell it."""

import logging

from flask import Flask, Response, current_app, jsonify, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DatabaseError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.exceptions import HTTPException

log = logging.getLogger("lumen")


class AppError(Exception):
    """An answer other than success. `message` is whole sentences for the user: what is wrong and what to do."""

    def __init__(self, status: int, title: str, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.title = title
        self.message = message
        self.retry_after = retry_after  # seconds


class NotFound(AppError):
    """Unknown and not-yours look the same."""

    def __init__(self, message: str = "There is nothing at this address, or it is not yours to see.") -> None:
        super().__init__(404, "Not found", message)


class Forbidden(AppError):
    def __init__(self, message: str = "Your role does not allow this. Ask an administrator if you need it.") -> None:
        super().__init__(403, "Not allowed", message)


class TooManyRequests(AppError):
    """`retry_after` is in seconds."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(429, "Too many attempts", message, retry_after)


class ServerBusy(AppError):
    """`retry_after` is in seconds."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(503, "Server busy", message, retry_after)


class NotAvailable(AppError):
    """A part of the server that does not work: nothing that the user can mend."""

    def __init__(self, message: str) -> None:
        super().__init__(503, "Not available", message)


class RefusedUpload(AppError):
    """A file or form that is not accepted; the message names the rule."""

    def __init__(self, message: str, status: int = 422) -> None:
        super().__init__(status, "Upload refused", message)


class RefusedSelection(AppError):
    """What was chosen from a list cannot be taken together; the message says how to choose otherwise."""

    def __init__(self, message: str) -> None:
        super().__init__(422, "Selection refused", message)


# What werkzeug and Flask raise by themselves, in plain words.
WORDS = {
    400: ("Bad request", "The server could not read this request. Go back and try again."),
    401: ("Sign in first", "This address needs a signed-in user."),
    404: ("Not found", NotFound().message),
    405: ("Method not allowed", "This address does not answer requests of this kind."),
    413: ("Too large", "This request is larger than the {limit} MB that are accepted. Send fewer or smaller files."),
    500: ("Something went wrong", "The server failed to answer. It has been logged; please try again later."),
    503: ("Not available", "The database does not answer at the moment. Nothing was lost; please try again shortly."),
}
# The codes of the JSON API are a promise to programs. Python's own phrases are not: 3.13 renamed some of them.
CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "too_large",
    415: "unsupported_media_type",
    422: "not_accepted",
    429: "too_many_requests",
    500: "server_error",
    503: "not_available",
}
EXPIRED_FORM = (
    "Form expired",
    "This form is no longer valid, perhaps because you signed in again. Go back, reload it and send it again.",
)


def register(app: Flask) -> None:
    """Answer every error with its page or JSON."""
    app.register_error_handler(AppError, _tell_app_error)
    app.register_error_handler(CSRFError, lambda _error: _answer(400, *EXPIRED_FORM))
    app.register_error_handler(HTTPException, _tell_http_error)
    for kind in (DatabaseError, InterfaceError, PoolTimeoutError):
        app.register_error_handler(kind, _tell_database_error)


def _tell_app_error(error: AppError) -> Response:
    response = _answer(error.status, error.title, error.message)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _tell_http_error(error: HTTPException) -> Response:
    if error.response is not None or error.code is None or error.code < 400:
        return error.get_response()
    title, message = WORDS.get(error.code, (error.name, WORDS[400][1]))
    limit = current_app.config["MAX_CONTENT_LENGTH"] // (1024 * 1024)
    response = _answer(error.code, title, message.format(limit=limit))
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def _tell_database_error(error: Exception) -> Response:
    # MySQL's driver tells of a server that is away by a plain DatabaseError. Its other kinds are mistakes of ours.
    if type(error) not in (DatabaseError, OperationalError, InterfaceError, PoolTimeoutError):
        raise error
    log.error("The database failed: %s", type(error).__name__, exc_info=error)
    response = _answer(503, *WORDS[503])
    response.headers["Retry-After"] = "30"
    return response


def _answer(status: int, title: str, message: str) -> Response:
    if request.path.startswith("/api/"):
        code = CODES.get(status, CODES[500 if status >= 500 else 400])
        return make_response(jsonify(error={"code": code, "message": message}), status)
    if status >= 500:
        # The ordinary page asks the database who is signed in, which may be the very thing that has failed.
        page = current_app.jinja_env.get_template("errors/failure.html").render(title=title, message=message)
    else:
        page = render_template("errors/error.html", title=title, message=message)
    return make_response(page, status)
