"""Model cards: what is known of each network, as pages and as Markdown."""

from flask import Blueprint, Response, render_template
from flask_login import login_required

from app.services import cards

bp = Blueprint("cards", __name__)


@bp.get("/models")
@login_required
def index() -> str:
    return render_template("cards/index.html", cards=cards.list_cards())


@bp.get("/models/<task>")
@login_required
def detail(task: str) -> str:
    return render_template("cards/detail.html", card=cards.build_card(task))


@bp.get("/models/<task>.md")
@login_required
def download(task: str) -> Response:
    text = render_template("cards/card.md", card=cards.build_card(task))
    response = Response(text, mimetype="text/markdown")
    response.headers["Content-Disposition"] = f'attachment; filename="lumen-model-{task}.md"'
    return response
