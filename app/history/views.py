"""Stored studies: the list, one study with its result, its pictures, and what may be done with it."""

from collections.abc import Iterator
from typing import NamedTuple

from flask import Blueprint, Response, flash, redirect, render_template, request, stream_with_context, url_for
from flask_login import current_user, login_required
from werkzeug import Response as BaseResponse

from app.clients import current_actor
from app.entities import Study, StudyStatus, utc_now
from app.history.forms import ReviewForm
from app.services import studies
from app.services.report import build_report, csv_lines
from app.services.studies.find import StudyFilter
from app.wording import OUTCOMES, STATUSES

bp = Blueprint("history", __name__)

SORT_WORDS = {
    "newest": "Newest first",
    "oldest": "Oldest first",
    "patient": "Patient name",
    "outcome": "Outcome, then probability",
}
REVIEW_WORDS = {"none": "Not reviewed yet", "agreed": "Agreed", "disagreed": "Disagreed"}


class Chip(NamedTuple):
    """One active filter in words, and the address of the list without it."""

    text: str
    url: str


@bp.get("/studies")
@login_required
def index() -> str:
    wanted = StudyFilter.from_args(request.args)
    page = studies.list_studies(wanted, current_user)
    owners = studies.list_owners() if current_user.sees_all_studies else []
    return render_template(
        "history/index.html",
        page=page,
        wanted=wanted,
        tasks=studies.all_tasks(),
        titles=studies.task_titles(),
        labels=studies.label_names(),
        statuses={status: STATUSES[status] for status in StudyStatus},
        outcomes=OUTCOMES,
        reviews=REVIEW_WORDS,
        sorts=SORT_WORDS,
        owners=owners,
        chips=list(_chips(wanted, {owner.id: owner.name for owner in owners})),
    )


@bp.get("/studies.csv")
@login_required
def export() -> Response:
    wanted = StudyFilter.from_args(request.args)
    lines = csv_lines(studies.iter_studies(wanted, current_user))
    response = Response(stream_with_context(lines), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="lumen-studies-{utc_now():%Y%m%d}.csv"'
    return response


@bp.get("/studies/<key>")
@login_required
def detail(key: str) -> str:
    return _result_page(studies.get_study(key, current_user), ReviewForm(formdata=None))


@bp.get("/studies/<key>/images/<image_key>/<view>")
@login_required
def image(key: str, image_key: str, view: str) -> Response:
    """One view of an image, `?label=` naming the label whose heatmap it shows."""
    stored = studies.get_image(key, image_key, current_user)
    picture, media_type = studies.render_view(stored, view, request.args.get("label", ""))
    response = Response(picture, mimetype=media_type)
    response.headers["Content-Disposition"] = f'inline; filename="lumen-{view}.{media_type.rsplit("/", 1)[-1]}"'
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


@bp.post("/studies/<key>/analyse")
@login_required
def analyse(key: str) -> BaseResponse:
    """Try all images of a study again that are not done."""
    studies.try_again(study=studies.get_study(key, current_user), actor=current_actor())
    return redirect(url_for("history.detail", key=key), 303)


@bp.post("/studies/<key>/images/<image_key>/analyse")
@login_required
def analyse_image(key: str, image_key: str) -> BaseResponse:
    """Try one image again."""
    image = studies.get_image(key, image_key, current_user)
    anchor = f"image-{image.position + 1}"
    studies.try_again(study=image.study, actor=current_actor(), image=image)
    return redirect(url_for("history.detail", key=key, _anchor=anchor), 303)


@bp.post("/studies/<key>/analyse-as/<task>")
@login_required
def analyse_as(key: str, task: str) -> BaseResponse:
    """Send the images that the gate offered for `task` again, for that task."""
    study = studies.get_study(key, current_user)
    copy = studies.copy_study(study=study, task=task, actor=current_actor())
    studies.analyse_study(copy)
    return redirect(url_for("history.detail", key=copy.key), 303)


@bp.post("/studies/<key>/images/<image_key>/right")
@login_required
def send_righted(key: str, image_key: str) -> BaseResponse:
    """Send an image that the gate refused as odd again, put right."""
    image = studies.get_image(key, image_key, current_user)
    copy = studies.send_righted(study=image.study, image=image, actor=current_actor())
    studies.analyse_study(copy)
    return redirect(url_for("history.detail", key=copy.key), 303)


@bp.post("/studies/<key>/review")
@login_required
def review(key: str) -> BaseResponse | tuple[str, int]:
    study = studies.get_study(key, current_user)
    form = ReviewForm()
    if not form.validate():
        return _result_page(study, form), 422
    try:
        studies.record_review(
            study=study,
            agrees=form.agrees.data == "yes",
            correct_label=form.correct_label.data or "",
            comment=form.comment.data or "",
            actor=current_actor(),
        )
    except studies.InvalidReview as error:
        form.agrees.errors = [error.message]
        return _result_page(study, form), error.status
    flash("Your review was saved.", "success")
    return redirect(url_for("history.detail", key=key), 303)


@bp.post("/studies/<key>/delete")
@login_required
def delete(key: str) -> BaseResponse:
    studies.delete_study(study=studies.get_study(key, current_user), actor=current_actor())
    flash("The study was deleted.", "success")
    return redirect(url_for("history.index"), 303)


def _result_page(study: Study, form: ReviewForm) -> str:
    form.offer_labels(study)
    return render_template(
        "history/detail.html",
        study=study,
        content=build_report(study),
        views={image.key: studies.views_of(image) for image in study.images},
        chosen_view=request.args.get("view", ""),
        chosen_label=request.args.get("label", ""),
        offers=studies.list_offers(study),
        remedies={remedy.image.key: remedy for remedy in studies.list_remedies(study)},
        titles=studies.task_titles(),
        unavailable=studies.unavailable_reasons(),
        form=form,
        may_review=studies.may_review(current_user),
        is_reviewable=studies.is_reviewable(study),
        may_delete=studies.may_delete(study, current_user),
    )


def _chips(wanted: StudyFilter, owner_names: dict[int, str]) -> Iterator[Chip]:
    titles = studies.task_titles()
    *label_task, label = wanted.label.split(":", 1)
    words = {
        "q": f"Search: {wanted.q}",
        "task": f"Task: {titles.get(wanted.task, wanted.task)}",
        "status": f"Status: {STATUSES[wanted.status].word}" if wanted.status else "",
        "outcome": f"Outcome: {OUTCOMES[wanted.outcome].word}" if wanted.outcome else "",
        "label": f"Label: {studies.label_names().get((*label_task, label), label)}",
        "review": f"Review: {REVIEW_WORDS[wanted.review]}" if wanted.review else "",
        "user": f"Sent by: {owner_names.get(wanted.user, 'unknown')}" if owner_names else "",
        "date_from": f"From {wanted.date_from} (UTC)",
        "date_to": f"To {wanted.date_to} (UTC)",
    }
    for name, text in words.items():
        if getattr(wanted, name) and text:
            yield Chip(text, url_for("history.index", **wanted.list_args(**{name: ""})))
