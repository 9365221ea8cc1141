import pytest

from app.services.accounts import passwords
from app.services.accounts.passwords import WeakPassword, check_new_password


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "  leading and trailing blanks  ",
        "пароль из слов",
        "83710294551",
        "x7" * 20 + "unlike",
        "Tr0ub4dour and three",
        "é" * 4 + "blaubeere",
        "a long one " * 18,
    ],
)
def test_accepts_long_uncommon_passwords_of_any_characters(password):
    check_new_password(password, email="anna@ward.local", name="Anna Berg")


@pytest.mark.parametrize(
    "password",
    ["short", "nine char", "x" * 201, "password123", "P@ssw0rd2024!", "1234567890", "0987654321", "qwertyuiop",
     "aaaaaaaaaaaa", "abcabcabcabc", "12312312312", "passwordadmin", "Welcome2026!!", "  password  123",
     "changeme12", "abcdefghij",
     "1q1q1q1q1q1q", "poiuytrewq"],
)  # fmt: skip
def test_refuses_short_overlong_and_common_passwords(password):
    with pytest.raises(WeakPassword):
        check_new_password(password)


@pytest.mark.parametrize(
    "password", ["anna@ward.local", "AnnaBerg2026", "lumenlumen", "Lumen-Lumen-1", "anna berg anna", "bergannaward!"]
)
def test_refuses_passwords_made_of_names_that_an_attacker_knows(password):
    with pytest.raises(WeakPassword):
        check_new_password(password, email="anna@ward.local", name="Anna Berg")


def test_every_character_counts(app):
    long = "y" * 80 + "unlike " * 10
    password_hash = passwords.hash_password(long)
    assert passwords.password_matches(password_hash, long)
    assert not passwords.password_matches(password_hash, long[:-1])


def test_hashes_are_salted_argon2id(app):
    first, second = passwords.hash_password("the same words"), passwords.hash_password("the same words")
    assert first.startswith("$argon2id$") and first != second
    assert "the same words" not in first


def test_a_broken_hash_matches_nothing(app):
    assert not passwords.password_matches("", "anything")
    assert not passwords.password_matches("md5:900150983cd24fb0", "anything")


def test_one_time_passwords_are_acceptable_and_differ():
    made = {passwords.one_time_password() for _ in range(50)}
    assert len(made) == 50
    for password in made:
        check_new_password(password)
