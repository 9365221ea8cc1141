"""Probes for a service manager or load balancer."""

from flask import Blueprint, jsonify
from werkzeug import Response

from app.services import health

bp = Blueprint("health", __name__, url_prefix="/health")


@bp.get("/live")
def live() -> Response:
    """The process answers requests."""
    return jsonify(status="ok")


@bp.get("/ready")
def ready() -> tuple[Response, int]:
    """The database, the decoders and every network answer; 503 with the reasons otherwise."""
    database, decoders, networks = health.database_trouble(), health.decoders_trouble(), health.network_troubles()
    is_ready = not (database or decoders or any(networks.values()))
    answer = jsonify(
        status="ok" if is_ready else "not ready",
        database=database or "ok",
        decoders=decoders or "ok",
        tasks={name: reason or "ok" for name, reason in networks.items()},
    )
    return answer, 200 if is_ready else 503
