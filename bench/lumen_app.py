"""Lumen as `wsgi:app` serves it, with the gate held open, telling in `Server-Timing` where the time of a request went.

`gunicorn bench.lumen_app:app` in the root of the project, with its own gunicorn.conf.py.
"""

from collections.abc import Callable
from contextlib import ExitStack
from functools import wraps
from time import perf_counter

from flask import Response, g

import models
from app.extensions import db
from app.services.storage import FileStore
from bench.opened import open_gate
from models import DecoderPool
from wsgi import app

__all__ = ["app"]

_OPENED = ExitStack()  # as long as the process lives


def _note(stage: str, milliseconds: float) -> None:
    stages = g.setdefault("stages", {})
    stages[stage] = stages.get(stage, 0.0) + milliseconds


def _time(owner: object, name: str, stage: str) -> None:
    """Note how long each call of this function takes, under the name of the stage."""
    function: Callable = getattr(owner, name)

    @wraps(function)
    def timed(*args, **kwargs):
        start = perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            _note(stage, (perf_counter() - start) * 1000)

    setattr(owner, name, timed)


def _keep_timings(predict: Callable[..., models.Prediction]) -> Callable[..., models.Prediction]:
    """`predict` times its own stages."""

    @wraps(predict)
    def noted(*args, **kwargs) -> models.Prediction:
        prediction = predict(*args, **kwargs)
        for stage, milliseconds in prediction.timings_ms.items():
            _note(stage, milliseconds)
        return prediction

    return noted


def _tell(response: Response) -> Response:
    stages: dict[str, float] = g.get("stages", {})
    response.headers["Server-Timing"] = ", ".join(f"{stage};dur={spent:.3f}" for stage, spent in stages.items())
    return response


_OPENED.enter_context(open_gate())
# None of these calls another one of them.
_time(DecoderPool, "decode", "decode")
_time(models, "read_stored", "read")
_time(models, "encode_saliency", "encode")
_time(FileStore, "put", "store")
_time(db.session, "commit", "commit")
models.predict = _keep_timings(models.predict)
app.after_request(_tell)
