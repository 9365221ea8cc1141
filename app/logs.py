"""The server's own log, to standard error: what failed, and one line of JSON for each security event."""

import logging
import time

from flask import Flask, has_request_context

from app.clients import request_id


def register(app: Flask) -> None:
    """Show the messages of Lumen's loggers, from INFO on, with times in UTC and the id of the request."""
    form = "%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s %(request)s %(message)s"
    formatter = logging.Formatter(form, "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    handler.addFilter(_name_request)
    logger = logging.getLogger("lumen")
    logger.setLevel(logging.INFO)
    # Tests make many applications in one process: the handler is replaced, not added.
    logger.handlers = [] if app.testing else [handler]


def _name_request(record: logging.LogRecord) -> bool:
    record.request = request_id() if has_request_context() else "-"
    return True
