"""The public front page: what Lumen is and is not."""

from flask import Blueprint, redirect, render_template, url_for
from flask_login import current_user
from werkzeug import Response

from app.services import settings, studies

bp = Blueprint("home", __name__)


@bp.get("/")
def index() -> Response | str:
    if current_user.is_authenticated:
        return redirect(url_for("upload.create"))
    tasks = studies.all_tasks()
    return render_template("home.html", tasks=tasks, registration_is_open=settings.registration_is_open())
