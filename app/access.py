"""Who may call a view: `login_required` of Flask-Login for any user, `role_required` for some."""

from collections.abc import Callable
from functools import wraps

from flask_login import current_user, login_required

from app.entities import Role
from app.errors import Forbidden


def role_required(*roles: Role) -> Callable:
    """Decorate a view that only signed-in users with one of `roles` may call; the others get 403."""

    def decorate(view: Callable) -> Callable:
        @wraps(view)
        @login_required
        def checked(*args, **kwargs):
            if current_user.role not in roles:
                raise Forbidden()
            return view(*args, **kwargs)

        return checked

    return decorate
