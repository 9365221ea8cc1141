"""Users: creating them, passwords, roles. Each function that writes records it in the audit log."""

import unicodedata

import email_validator
from sqlalchemy import func, or_, select
from sqlalchemy.exc import IntegrityError

from app.entities import MAX_ID, Role, User, new_key
from app.errors import AppError, NotFound
from app.extensions import db
from app.services import audit
from app.services.accounts import passwords, throttle, tokens
from app.services.actor import Actor
from app.services.lookup import like_pattern
from app.services.paging import START, Cursor, Key, Order, Page, read_page

MAX_EMAIL = 254
# Lumen sends no mail: an address only has to be one, and hospitals use names that DNS reserves, such as .local.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()
BY_EMAIL = Order((Key(User.email),), name=User.id)


class InvalidAccount(ValueError):
    """A field of an account is not acceptable: `field` names it, the message says what to do."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class LastAdmin(AppError):
    """Refused, because nobody could administer Lumen any more."""

    def __init__(self) -> None:
        super().__init__(409, "Last administrator", "No other administrator is enabled. Appoint another one first.")


def normalise_email(text: str) -> str:
    """The address in lower case. Intranet addresses (anna@ward.local) are fine; raises InvalidAccount for others."""
    try:
        address = email_validator.validate_email(
            text.strip(), check_deliverability=False, globally_deliverable=False, strict=True
        )
    except email_validator.EmailNotValidError as error:
        raise InvalidAccount("email", "Enter an e-mail address such as anna@example.org.") from error
    return address.normalized.lower()


def account_name(text: str) -> str:
    """What the e-mail field of a sign-in means: an address in normal form, else the text, lower-cased and cut."""
    try:
        return normalise_email(text)
    except InvalidAccount:
        return unicodedata.normalize("NFC", text.strip().lower())[:MAX_EMAIL]


def find_user(email: str) -> User | None:
    """The user of this address, however it is capitalised; None if there is none."""
    return db.session.scalar(select(User).where(User.email == account_name(email)))


def get_user(user_id: int) -> User:
    """The user of this id; raises NotFound."""
    user = db.session.get(User, user_id) if user_id <= MAX_ID else None
    if user is None:
        raise NotFound()
    return user


def list_users(search: str, cursor: Cursor = START) -> Page:
    """The page at `cursor` of users by e-mail address, those whose address or name contains `search`; "" is all."""
    users = select(User)
    if search:
        pattern = like_pattern(search)
        users = users.where(or_(User.email.like(pattern, escape="\\"), User.name.like(pattern, escape="\\")))
    return read_page(users, BY_EMAIL, cursor)


def has_users() -> bool:
    """Is there any account yet?"""
    return db.session.scalar(select(User.id).limit(1)) is not None


def register_user(*, email: str, name: str, password: str, actor: Actor) -> User:
    """A clinician's account that its owner creates. Raises InvalidAccount, or TooManyRequests by address."""
    throttle.check_registration(address=actor.address)
    try:
        user = _add_user(email=email, name=name, password=password, role=Role.CLINICIAN)
    except InvalidAccount:
        audit.record("user.register_fail", actor=actor, account=account_name(email))
        db.session.commit()
        raise
    audit.record("user.register", actor=actor.as_user(user))
    db.session.commit()
    return user


def create_user(*, email: str, name: str, role: Role, password: str | None = None, actor: Actor) -> tuple[User, str]:
    """An account that an admin creates, or the command line. Raises InvalidAccount.

    Without `password` the account gets a random one, returned as the second value, which must be changed at first
    sign-in.
    """
    one_time = "" if password else passwords.one_time_password()
    user = _add_user(email=email, name=name, password=password or one_time, role=role)
    user.must_change_password = bool(one_time)
    audit.record("user.create", actor=actor, object_key=str(user.id), detail=f"{user.email} as {role}")
    db.session.commit()
    return user, one_time


def _add_user(*, email: str, name: str, password: str, role: Role) -> User:
    email, name = normalise_email(email), " ".join(name.split())
    if not name or len(name) > 120:
        raise InvalidAccount("name", "Enter a name of 1 to 120 characters.")
    _check_password(password, email=email, name=name)
    if find_user(email):
        raise InvalidAccount("email", "There is an account with this e-mail address already.")
    user = User(email=email, name=name, role=role, password_hash=passwords.hash_password(password))
    db.session.add(user)
    try:
        db.session.flush()
    except IntegrityError as error:  # the same address came twice at once
        db.session.rollback()
        raise InvalidAccount("email", "There is an account with this e-mail address already.") from error
    return user


def _check_password(password: str, *, email: str, name: str, field: str = "password") -> None:
    try:
        passwords.check_new_password(password, email=email, name=name)
    except passwords.WeakPassword as error:
        raise InvalidAccount(field, str(error)) from error


def change_password(*, current: str, new: str, actor: Actor) -> None:
    """Set the actor's new password and end their other sessions. Raises InvalidAccount, TooManyRequests."""
    user = actor.require_user()
    throttle.check_sign_in(account=user.email, actor=actor)
    if not passwords.password_matches(user.password_hash, current):
        audit.record("login.fail", actor=actor, detail="password change")
        db.session.commit()
        raise InvalidAccount("current", "This is not your current password.")
    _check_password(new, email=user.email, name=user.name, field="new")
    if new == current:
        raise InvalidAccount("new", "Choose a password other than the current one.")
    user.password_hash = passwords.hash_password(new)
    user.must_change_password = False
    user.session_key = new_key()
    audit.record("user.change_password", actor=actor)
    db.session.commit()


def reset_password(*, user: User, actor: Actor) -> str:
    """A new one-time password, to be changed at the next sign-in: returned here, and never to be read again.

    Ends the user's sessions and revokes their API tokens.
    """
    one_time = passwords.one_time_password()
    user.password_hash = passwords.hash_password(one_time)
    user.must_change_password = True
    user.session_key = new_key()
    tokens.drop_tokens(user)
    audit.record("user.reset_password", actor=actor, object_key=str(user.id), detail=user.email)
    db.session.commit()
    return one_time


def set_role(*, user: User, role: Role, actor: Actor) -> None:
    """Give the user another role. Raises LastAdmin."""
    if role == user.role:
        return
    if role != Role.ADMIN:
        _keep_an_admin(user)
    change = f"{user.email}: {user.role} to {role}"
    audit.record("user.change_role", actor=actor, object_key=str(user.id), detail=change)
    user.role = role
    db.session.commit()


def set_enabled(*, user: User, enabled: bool, actor: Actor) -> None:
    """Let the user in or keep them out, their sessions and tokens included. Raises LastAdmin."""
    if enabled == user.is_enabled:
        return
    if not enabled:
        _keep_an_admin(user)
        user.session_key = new_key()
    user.is_enabled = enabled
    verb = "enable" if enabled else "disable"
    audit.record(f"user.{verb}", actor=actor, object_key=str(user.id), detail=user.email)
    db.session.commit()


def _keep_an_admin(user: User) -> None:
    # Locking the rows keeps two admins from demoting each other at the same moment.
    admins = select(User.id).where(User.role == Role.ADMIN, User.is_enabled.is_(True)).with_for_update()
    if set(db.session.scalars(admins)) == {user.id}:
        raise LastAdmin()


def count_users() -> int:
    """How many accounts there are, enabled or not."""
    return db.session.scalars(select(func.count(User.id))).one()
