"""Bearer tokens of the JSON API: shown once, stored as SHA-256 (the tokens are random, so no salt is needed)."""

import hashlib
import secrets
from datetime import timedelta

from sqlalchemy import select, update

from app.entities import ApiToken, User, utc_now
from app.errors import NotFound
from app.extensions import db
from app.services import audit
from app.services.actor import Actor

PREFIX = "lumen_"  # lets people and secret scanners recognise a token that has leaked
# A busy client would otherwise write a row for each of its requests.
LAST_USED_STEP = timedelta(minutes=1)


def create_token(*, user: User, name: str, actor: Actor) -> tuple[ApiToken, str]:
    """Store a new token of `user`; the second value is the token itself, which can never be read again.

    `name`: by which its owner knows it, cut to 80 characters.
    """
    plain = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken(user=user, name=name.strip()[:80], token_sha256=_digest(plain))
    db.session.add(token)
    audit.record("token.create", actor=actor, account=user.email, detail=token.name)
    db.session.commit()
    return token, plain


def find_token(plain: str) -> ApiToken | None:
    """The token, if it is not revoked and its user enabled, or None. Notes when it was last used."""
    token = db.session.scalar(
        select(ApiToken).where(ApiToken.token_sha256 == _digest(plain), ApiToken.revoked_at.is_(None))
    )
    if token is None or not token.user.is_enabled:
        return None
    if token.last_used_at is None or utc_now() - token.last_used_at > LAST_USED_STEP:
        token.last_used_at = utc_now()
        db.session.commit()
    return token


def list_tokens(user: User) -> list[ApiToken]:
    """The user's tokens that still work, the newest first."""
    wanted = select(ApiToken).where(ApiToken.user_id == user.id, ApiToken.revoked_at.is_(None))
    return list(db.session.scalars(wanted.order_by(ApiToken.id.desc())))


def revoke_token(*, token_id: int, actor: Actor) -> None:
    """End one token of the actor's user; raises NotFound when it is not theirs or has ended already."""
    token = next((token for token in list_tokens(actor.require_user()) if token.id == token_id), None)
    if token is None:
        raise NotFound()
    token.revoked_at = utc_now()
    audit.record("token.revoke", actor=actor, detail=token.name)
    db.session.commit()


def drop_tokens(user: User) -> None:
    """Revoke every token of `user`, as part of a larger change: the caller commits."""
    mine = update(ApiToken).where(ApiToken.user_id == user.id, ApiToken.revoked_at.is_(None))
    db.session.execute(mine.values(revoked_at=utc_now()))


def _digest(plain: str) -> str:
    return hashlib.sha256(plain.encode()).hexdigest()
