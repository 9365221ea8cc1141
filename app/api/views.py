"""The JSON API, version 1. Each request carries a bearer token; errors are {"error": {"code", "message"}}."""

from flask import Blueprint, Response, jsonify, request, url_for

from app.api.auth import CHALLENGE, caller, calling_actor, check_token
from app.api.serializers import study_json, summary_json, task_json
from app.downloads import pdf_response
from app.errors import AppError
from app.extensions import csrf
from app.services import studies
from app.services.report import build_report, current_report

MAX_IDEMPOTENCY_KEY = 255

bp = Blueprint("api", __name__, url_prefix="/api/v1")
# A page of another site cannot send a token that it does not know, and cookies do not count here.
csrf.exempt(bp)
bp.before_request(check_token)


@bp.after_request
def _challenge(response: Response) -> Response:
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = CHALLENGE
    return response


@bp.get("/tasks")
def tasks() -> Response:
    unavailable = studies.unavailable_reasons()
    return jsonify(tasks=[task_json(task, task.name not in unavailable) for task in studies.all_tasks()])


@bp.get("/studies")
def list_studies() -> Response:
    wanted = studies.StudyFilter.from_args(request.args)
    page = studies.list_studies(wanted, caller())
    return jsonify(
        items=[summary_json(study) for study in page.items],
        total=page.count.number if page.count and page.count.is_exact else None,
        previous=_list_url(wanted, before=page.previous) if page.previous else None,
        next=_list_url(wanted, after=page.next) if page.next else None,
    )


@bp.post("/studies")
def create_study() -> tuple[Response, int, dict[str, str]]:
    _insist_on_form()
    study, pixels = studies.submit_study(
        actor=calling_actor(),
        task=request.form.get("task", ""),
        uploads=[studies.Upload(file.filename or "", file.read()) for file in request.files.getlist("image")],
        patient_name=request.form.get("patient_name", ""),
        patient_reference=request.form.get("patient_reference", ""),
        note=request.form.get("note", ""),
        submission_key=_idempotency_key(),
    )
    studies.analyse_study(study, pixels)
    return _study_response(study.key), 201, {"Location": url_for("api.study", key=study.key)}


@bp.get("/studies/<key>")
def study(key: str) -> Response:
    return _study_response(key)


@bp.get("/studies/<key>/report.pdf")
def report(key: str) -> Response:
    study = studies.get_study(key, caller())
    return pdf_response(current_report(study=study, actor=calling_actor()))


@bp.get("/studies/<key>/images/<image_key>/heatmap.png")
def heatmap(key: str, image_key: str) -> Response:
    image = studies.get_image(key, image_key, caller())
    data, media_type = studies.render_view(image, "heatmap", request.args.get("label", ""))
    return Response(data, mimetype=media_type)


def _list_url(wanted: studies.StudyFilter, **cursor: str) -> str:
    return url_for("api.list_studies", **wanted.list_args(**cursor))


def _study_response(key: str) -> Response:
    study = studies.get_study(key, caller())
    return jsonify(study_json(study, build_report(study)))


def _insist_on_form() -> None:
    if request.mimetype != "multipart/form-data":
        raise AppError(
            415,
            "Form expected",
            "Send the study as multipart/form-data with the fields task, image (repeatable), patient_name, "
            "patient_reference and note.",
        )


def _idempotency_key() -> str | None:
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > MAX_IDEMPOTENCY_KEY:
        raise AppError(400, "Key too long", f"An Idempotency-Key has at most {MAX_IDEMPOTENCY_KEY} characters.")
    return key or None
