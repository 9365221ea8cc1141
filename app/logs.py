"""The server's own log, to standard error: what failed, and one line of JSON for each security event."""

import logging
import time

from flask import Flask


def register(app: Flask) -> None:
    """Show the messages of Lumen's loggers, from INFO on, with times in UTC."""
    formatter = logging.Formatter("%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    logger = logging.getLogger("lumen")
    logger.setLevel(logging.INFO)
    # Tests make many applications in one process: the handler is replaced, not added.
    logger.handlers = [] if app.testing else [handler]
