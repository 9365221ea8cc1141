from datetime import timedelta

import pytest

from app.entities import ApiToken, utc_now
from app.errors import NotFound
from app.extensions import db
from app.services.accounts import tokens
from tests.actors import by


def test_a_token_finds_its_user_and_is_stored_hashed(app, make_user):
    user = make_user()
    token, plain = tokens.create_token(user=user, name="script", actor=by())
    assert tokens.find_token(plain).user is user
    assert plain.startswith("lumen_") and plain not in str(vars(db.session.get(ApiToken, token.id)))


@pytest.mark.parametrize("plain", ["", "lumen_", "lumen_" + "x" * 43, "x" * 100_000, "é\x00"])
def test_other_words_find_nobody(app, make_user, plain):
    tokens.create_token(user=make_user(), name="script", actor=by())
    assert tokens.find_token(plain) is None


def test_a_revoked_token_finds_nobody(app, make_user):
    user = make_user()
    token, plain = tokens.create_token(user=user, name="script", actor=by())
    tokens.revoke_token(token_id=token.id, actor=by(user))
    assert tokens.find_token(plain) is None
    assert tokens.list_tokens(user) == []
    with pytest.raises(NotFound):
        tokens.revoke_token(token_id=token.id, actor=by(user))


def test_nobody_revokes_the_token_of_another(app, make_user):
    owner, other = make_user(), make_user()
    token, plain = tokens.create_token(user=owner, name="script", actor=by())
    with pytest.raises(NotFound):
        tokens.revoke_token(token_id=token.id, actor=by(other))
    assert tokens.find_token(plain).user is owner


def test_a_disabled_user_has_no_working_token(app, make_user):
    user = make_user()
    _, plain = tokens.create_token(user=user, name="script", actor=by())
    user.is_enabled = False
    db.session.commit()
    assert tokens.find_token(plain) is None


def test_the_last_use_is_noted_once_a_minute(app, make_user):
    token, plain = tokens.create_token(user=make_user(), name="script", actor=by())
    tokens.find_token(plain)
    first = token.last_used_at
    tokens.find_token(plain)
    assert first is not None and token.last_used_at == first
    token.last_used_at = utc_now() - timedelta(hours=1)
    tokens.find_token(plain)
    assert utc_now() - token.last_used_at < timedelta(minutes=1)
