"""Bearer tokens of the JSON API: shown once, stored as SHA-256 (the tokens are random, so no salt is needed)."""

import hashlib
import secrets
from datetime import timedelta

from sqlalchemy import select, update

from app.entities import ApiToken, User, utc_now
from app.errors import NotFound
from app.extensions import db
from app.services import audit

PREFIX = "lumen_"  # lets people and secret scanners recognise a token that has leaked
# A busy client would otherwise write a row for each of its requests.
LAST_USED_STEP = timedelta(minutes=1)


def create_token(*, user: User, name: str, address: str = "") -> tuple[ApiToken, str]:
    """Store a new token of `user`; the second value is the token itself, which can never be read again."""
    plain = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken(user=user, name=name.strip()[:80], token_sha256=_digest(plain))
    db.session.add(token)
    audit.record("token.create", user=user, detail=token.name, address=address)
    db.session.commit()
    return token, plain


def find_user_by_token(plain: str) -> User | None:
    """The enabled user of a token that is not revoked, or None. Notes when the token was last used."""
    token = db.session.scalar(
        select(ApiToken).where(ApiToken.token_sha256 == _digest(plain), ApiToken.revoked_at.is_(None))
    )
    if token is None or not token.user.is_enabled:
        return None
    if token.last_used_at is None or utc_now() - token.last_used_at > LAST_USED_STEP:
        token.last_used_at = utc_now()
        db.session.commit()
    return token.user


def list_tokens(user: User) -> list[ApiToken]:
    """The user's tokens that still work, the newest first."""
    wanted = select(ApiToken).where(ApiToken.user_id == user.id, ApiToken.revoked_at.is_(None))
    return list(db.session.scalars(wanted.order_by(ApiToken.id.desc())))


def revoke_token(*, user: User, token_id: int, address: str = "") -> None:
    """End one token of `user`; raises NotFound when it is not theirs or has ended already."""
    token = next((token for token in list_tokens(user) if token.id == token_id), None)
    if token is None:
        raise NotFound()
    token.revoked_at = utc_now()
    audit.record("token.revoke", user=user, detail=token.name, address=address)
    db.session.commit()


def drop_tokens(user: User) -> None:
    """Revoke every token of `user`, as part of a larger change: the caller commits."""
    mine = update(ApiToken).where(ApiToken.user_id == user.id, ApiToken.revoked_at.is_(None))
    db.session.execute(mine.values(revoked_at=utc_now()))


def _digest(plain: str) -> str:
    return hashlib.sha256(plain.encode()).hexdigest()
