import pytest

from tests.actors import by


def test_who_is_signed_in_is_the_user_that_a_service_needs(app, make_user):
    user = make_user()
    assert by(user).require_user() is user


def test_nobody_is_no_user(app):
    with pytest.raises(RuntimeError, match="Nobody is signed in"):
        by().require_user()
