"""Accounts: users and their roles, signing in, passwords, API tokens, and limits on guessing."""

from app.services.accounts.sign_in import (
    DisabledAccount,
    WrongPassword,
    authenticate,
    find_user_by_session,
    sign_out,
)
from app.services.accounts.users import (
    InvalidAccount,
    LastAdmin,
    account_name,
    change_password,
    count_users,
    create_user,
    find_user,
    get_user,
    has_users,
    list_users,
    register_user,
    reset_password,
    set_enabled,
    set_role,
)

__all__ = [
    "DisabledAccount",
    "InvalidAccount",
    "LastAdmin",
    "WrongPassword",
    "account_name",
    "authenticate",
    "change_password",
    "count_users",
    "create_user",
    "find_user",
    "find_user_by_session",
    "get_user",
    "has_users",
    "list_users",
    "register_user",
    "reset_password",
    "set_enabled",
    "set_role",
    "sign_out",
]
