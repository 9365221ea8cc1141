"""Sending a study."""

from flask import Blueprint, current_app, flash, redirect, render_template, url_for
from flask_login import login_required
from werkzeug import Response

from app.clients import current_actor
from app.errors import RefusedUpload
from app.services import studies
from app.upload.forms import UploadForm
from app.wording.files import ACCEPTED_TYPES, accepted_formats

bp = Blueprint("upload", __name__)


@bp.route("/upload", methods=["GET", "POST"])
@login_required
def create() -> Response | tuple[str, int]:
    form = UploadForm()
    if not form.is_submitted():
        return _page(form, 200)
    if not form.validate():
        return _page(form, 422)
    try:
        study, pixels = studies.submit_study(
            actor=current_actor(),
            task=form.task.data,
            uploads=form.uploads(),
            patient_name=form.patient_name.data,
            patient_reference=form.patient_reference.data,
            note=form.note.data,
            submission_key=form.submission_key.data,
        )
    except RefusedUpload as refusal:
        field = form.task if isinstance(refusal, studies.UnclearTask) else form.images
        field.errors = [refusal.message]
        return _page(form, refusal.status)
    if form.task.data == studies.DETECT:
        flash(f"The task was detected from the image: {studies.task_titles()[study.task]}.", "success")
    studies.analyse_study(study, pixels)
    return redirect(url_for("history.detail", key=study.key), 303)


def _page(form: UploadForm, status: int) -> tuple[str, int]:
    limits = current_app.config
    page = render_template(
        "upload/create.html",
        form=form,
        tasks=studies.all_tasks(),
        detect=studies.DETECT,
        unavailable=studies.unavailable_reasons(),
        accepted_types=ACCEPTED_TYPES,
        accepted_formats=accepted_formats(),
        max_files=limits["MAX_IMAGES_PER_STUDY"],
        max_bytes=limits["MAX_IMAGE_BYTES"],
        max_total=limits["MAX_CONTENT_LENGTH"],
    )
    return page, status
