"""Reports: make one of a study, download it again."""

from flask import Blueprint, Response, flash, redirect, url_for
from flask_login import current_user, login_required
from werkzeug import Response as BaseResponse

from app.clients import client_address
from app.downloads import pdf_response
from app.services import reports, studies

bp = Blueprint("reports", __name__)


@bp.post("/studies/<key>/reports")
@login_required
def create(key: str) -> BaseResponse:
    study = studies.get_study(key, current_user)
    reports.issue_report(study=study, author=current_user, address=client_address())
    flash("The report was made. It is listed with the study.", "success")
    return redirect(url_for("history.detail", key=key), 303)


@bp.get("/reports/<key>.pdf")
@login_required
def download(key: str) -> Response:
    return pdf_response(reports.get_report(key, current_user))
