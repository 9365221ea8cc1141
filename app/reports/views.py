"""Reports: make one of a study, download it again, download those of many studies."""

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask_login import current_user, login_required
from werkzeug import Response as BaseResponse

from app.clients import current_actor
from app.downloads import pdf_response, zip_response
from app.errors import RefusedSelection
from app.services import studies
from app.services.report import choose_studies, get_report, issue_report, zip_reports
from app.services.studies.find import StudyFilter

bp = Blueprint("reports", __name__)


@bp.post("/studies/<key>/reports")
@login_required
def create(key: str) -> BaseResponse:
    study = studies.get_study(key, current_user)
    issue_report(study=study, actor=current_actor())
    flash("The report was created. It is listed with the study.", "success")
    return redirect(url_for("history.detail", key=key), 303)


@bp.get("/reports/<key>.pdf")
@login_required
def download(key: str) -> Response:
    return pdf_response(get_report(key, current_user))


@bp.post("/reports.zip")
@login_required
def export() -> BaseResponse:
    """The reports of all studies that the history's filter finds; some of them are made now."""
    wanted = StudyFilter.from_args(request.args)
    try:
        keys = choose_studies(wanted, current_user)
    except RefusedSelection as refusal:
        flash(refusal.message, "error")
        return redirect(url_for("history.index", **wanted.to_args()), 303)
    return zip_response(zip_reports(keys=keys, actor=current_actor()))
