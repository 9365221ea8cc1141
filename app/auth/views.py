"""Registering, signing in and out, the password, and the account page with its API tokens."""

from urllib.parse import urlsplit

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask_login import current_user, login_required
from werkzeug import Response

from app.auth.forms import LoginForm, PasswordForm, RegisterForm, TokenForm
from app.auth.sessions import end_session, start_session
from app.clients import current_actor
from app.errors import Forbidden
from app.services import accounts, settings
from app.services.accounts import tokens

bp = Blueprint("auth", __name__, url_prefix="/auth")
# A refused form is shown again under this status.
INVALID = 422


@bp.route("/register", methods=["GET", "POST"])
def register() -> Response | str | tuple[str, int]:
    if not settings.registration_is_open():
        return _refuse_registration()
    form = RegisterForm()
    if form.validate_on_submit():
        try:
            user = accounts.register_user(
                email=form.email.data, name=form.name.data, password=form.password.data, actor=current_actor()
            )
        except accounts.InvalidAccount as error:
            form[error.field].errors = [str(error)]
        else:
            start_session(user)
            flash("Welcome to Lumen. Your account is ready.", "success")
            return redirect(url_for("upload.create"))
    return render_template("auth/register.html", form=form), _status(form)


def _refuse_registration() -> str:
    if request.method == "POST":
        raise Forbidden("Registration is closed. Ask an administrator for an account.")
    return render_template("auth/registration_closed.html")


@bp.route("/login", methods=["GET", "POST"])
def login() -> Response | tuple[str, int]:
    if current_user.is_authenticated:
        return redirect(url_for("upload.create"))
    form = LoginForm(next=request.args.get("next", ""))
    if form.validate_on_submit():
        try:
            user = accounts.authenticate(email=form.email.data, password=form.password.data, actor=current_actor())
        except (accounts.WrongPassword, accounts.DisabledAccount) as error:
            form.form_errors.append(str(error))
        else:
            start_session(user)
            return redirect(local_path(form.next.data) or url_for("upload.create"))
    page = render_template("auth/login.html", form=form, registration_is_open=settings.registration_is_open())
    return page, _status(form)


def local_path(target: str | None) -> str:
    """`target` if it is a path on this server, else "". Browsers read a backslash as a slash and skip controls."""
    target = target or ""
    is_path = target.startswith("/") and not target.startswith("//") and "\\" not in target and target.isprintable()
    return target if is_path and not urlsplit(target).netloc else ""


@bp.post("/logout")
def logout() -> Response:
    if current_user.is_authenticated:
        accounts.sign_out(actor=current_actor())
    end_session()
    flash("You are signed out, on all your devices.", "success")
    response = make_response(redirect(url_for("home.index")))
    # The session cookie, which now holds the message alone, is not cleared with the rest.
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


@bp.route("/password", methods=["GET", "POST"])
@login_required
def password() -> Response | tuple[str, int]:
    form = PasswordForm()
    if form.validate_on_submit():
        try:
            accounts.change_password(current=form.current.data, new=form.new.data, actor=current_actor())
        except accounts.InvalidAccount as error:
            form[error.field].errors = [str(error)]
        else:
            start_session(current_user._get_current_object())
            flash("Your password is changed. Other devices are signed out.", "success")
            return redirect(url_for("auth.account"))
    return render_template("auth/password.html", form=form), _status(form)


@bp.get("/account")
@login_required
def account() -> str:
    return render_template("auth/account.html", form=TokenForm(), tokens=tokens.list_tokens(current_user))


@bp.post("/tokens")
@login_required
def create_token() -> tuple[str, int]:
    form = TokenForm()
    if not form.validate_on_submit():
        page = render_template("auth/account.html", form=form, tokens=tokens.list_tokens(current_user))
        return page, _status(form)
    actor = current_actor()
    token, plain = tokens.create_token(user=actor.user, name=form.name.data, actor=actor)
    # Shown in the answer itself: a redirect would have to carry the secret somewhere.
    return render_template("auth/token.html", token=token, plain=plain), 201


@bp.post("/tokens/<int:token_id>/revoke")
@login_required
def revoke_token(token_id: int) -> Response:
    tokens.revoke_token(token_id=token_id, actor=current_actor())
    flash("The token is revoked. Programs that use it are refused from now on.", "success")
    return redirect(url_for("auth.account"))


def _status(form: LoginForm | PasswordForm | RegisterForm | TokenForm) -> int:
    return INVALID if form.errors or form.form_errors else 200
