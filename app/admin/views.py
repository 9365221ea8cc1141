"""Administration: users, settings, the audit log. Admins alone, on every address."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug import Response

from app.access import role_required
from app.admin.forms import RoleForm, SettingsForm, UserForm
from app.clients import current_actor
from app.entities import Role
from app.errors import AppError
from app.services import accounts, audit, settings
from app.services.audit import AuditFilter
from app.services.paging import Cursor

bp = Blueprint("admin", __name__, url_prefix="/admin")


@bp.before_request
@role_required(Role.ADMIN)
def require_admin() -> None:
    """Checked once for the whole blueprint, so that no new view can forget it."""


@bp.get("/users")
def users() -> str:
    search = request.args.get("q", "").strip()[:120]
    page = accounts.list_users(search, Cursor.from_args(request.args))
    return render_template("admin/users.html", page=page, search=search)


@bp.route("/users/new", methods=["GET", "POST"])
def create_user() -> tuple[str, int]:
    form = UserForm()
    if form.validate_on_submit():
        try:
            user, one_time = accounts.create_user(
                email=form.email.data,
                name=form.name.data,
                role=Role(form.role.data),
                actor=current_actor(),
            )
        except accounts.InvalidAccount as error:
            form[error.field].errors = [str(error)]
        else:
            return render_template("admin/one_time_password.html", user=user, one_time=one_time), 201
    return render_template("admin/user_new.html", form=form), 422 if form.errors else 200


@bp.get("/users/<int:user_id>")
def user(user_id: int) -> str:
    shown = accounts.get_user(user_id)
    return render_template("admin/user.html", user=shown, form=RoleForm(role=shown.role))


@bp.post("/users/<int:user_id>/role")
def set_role(user_id: int) -> Response:
    form = RoleForm()
    if not form.validate_on_submit():
        raise AppError(422, "Unknown role", "Choose one of the roles of the list.")
    changed = accounts.get_user(user_id)
    accounts.set_role(user=changed, role=Role(form.role.data), actor=current_actor())
    return _back_to(user_id, f"{changed.name} is now {changed.role}.")


@bp.post("/users/<int:user_id>/enable")
def enable_user(user_id: int) -> Response:
    changed = accounts.get_user(user_id)
    accounts.set_enabled(user=changed, enabled=True, actor=current_actor())
    return _back_to(user_id, f"{changed.name} can sign in again.")


@bp.post("/users/<int:user_id>/disable")
def disable_user(user_id: int) -> Response:
    changed = accounts.get_user(user_id)
    accounts.set_enabled(user=changed, enabled=False, actor=current_actor())
    return _back_to(user_id, f"{changed.name} can no longer sign in, and is signed out everywhere.")


@bp.post("/users/<int:user_id>/reset-password")
def reset_password(user_id: int) -> str:
    changed = accounts.get_user(user_id)
    one_time = accounts.reset_password(user=changed, actor=current_actor())
    return render_template("admin/one_time_password.html", user=changed, one_time=one_time)


@bp.route("/settings", methods=["GET", "POST"])
def edit_settings() -> Response | tuple[str, int]:
    form = SettingsForm(
        registration_open=settings.registration_is_open(), institution=settings.get_setting("institution")
    )
    if form.validate_on_submit():
        values = {
            "registration_open": "yes" if form.registration_open.data else "no",
            "institution": form.institution.data.strip(),
        }
        for name, value in values.items():
            settings.set_setting(name=name, value=value, actor=current_actor())
        flash("The settings are saved.", "success")
        return redirect(url_for("admin.edit_settings"))
    return render_template("admin/settings.html", form=form), 422 if form.errors else 200


@bp.get("/audit")
def audit_log() -> str:
    wanted = AuditFilter(
        action=request.args.get("action", "")[:40], account=request.args.get("account", "").strip()[:254]
    )
    page = audit.list_events(wanted, Cursor.from_args(request.args))
    return render_template("admin/audit.html", page=page, wanted=wanted, actions=audit.list_actions())


def _back_to(user_id: int, message: str) -> Response:
    flash(message, "success")
    return redirect(url_for("admin.user", user_id=user_id))
