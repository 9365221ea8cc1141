"""Passwords: the rules for new ones, and argon2id for stored ones."""

import secrets
import string
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import current_app

MIN_LENGTH = 10
MAX_LENGTH = 200
# Words that most leaked passwords of ten and more characters are made of, alone or with digits and signs around them.
COMMON_WORDS = frozenset(Path(__file__).with_name("common_words.txt").read_text(encoding="utf-8").split())
SEQUENCES = ("01234567890123456789", "abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm", "1qaz2wsx3edc4rfv5tgb")
LOOK_ALIKES = str.maketrans("0134578@$!", "oleastbasi")
AROUND_WORDS = string.digits + string.punctuation + string.whitespace


class WeakPassword(ValueError):
    """The new password breaks a rule, which the message tells."""


def check_new_password(password: str, *, email: str = "", name: str = "") -> None:
    """Raise WeakPassword unless `password` has MIN_LENGTH to MAX_LENGTH characters and is not among those tried first.

    `email`, `name`: of its owner, which it must not be. There are no rules on kinds of characters, and nothing is cut
    off: every character counts.
    """
    if len(password) < MIN_LENGTH:
        raise WeakPassword(f"Use at least {MIN_LENGTH} characters; a few words in a row are easy to remember.")
    if len(password) > MAX_LENGTH:
        raise WeakPassword(f"Use at most {MAX_LENGTH} characters.")
    if _is_common(password.lower()):
        raise WeakPassword("This is one of the passwords that are guessed first. Choose a less common one.")
    if _is_personal(password.lower(), email, name):
        raise WeakPassword("Do not use the name of this site, your own name or your e-mail address as the password.")


def _is_common(password: str) -> bool:
    if _repeats(password) or any(_runs_along(password, sequence) for sequence in SEQUENCES):
        return True
    word = password.strip(AROUND_WORDS)
    return any(text in COMMON_WORDS or _halves_are_common(text) for text in (word, word.translate(LOOK_ALIKES)))


def _repeats(password: str) -> bool:
    few_characters = len(set(password)) <= 3
    return few_characters or any(password[step:] == password[:-step] for step in range(1, 7))


def _runs_along(password: str, sequence: str) -> bool:
    return password in sequence or password[::-1] in sequence


def _halves_are_common(word: str) -> bool:
    return any(word[:cut] in COMMON_WORDS and word[cut:] in COMMON_WORDS for cut in range(3, len(word) - 2))


def _is_personal(password: str, email: str, name: str) -> bool:
    """Is anything of weight left once the names that an attacker knows are taken out?"""
    local, _, domain = email.lower().partition("@")
    known = {"lumen", email.lower(), local, domain, domain.partition(".")[0], *name.lower().split()}
    left = password
    for word in sorted(known, key=len, reverse=True):
        if len(word) >= 4:
            left = left.replace(word, "")
    return left != password and len(left.strip(AROUND_WORDS)) < 4


def one_time_password() -> str:
    """A random password that is easy to read aloud: 100 bits, without characters that look alike."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(5)) for _ in range(4))


def hash_password(password: str) -> str:
    """argon2id with a salt of its own."""
    return _hasher().hash(password)


def password_matches(password_hash: str, password: str) -> bool:
    """Is it the password of this hash? A hash that cannot be read matches nothing."""
    try:
        return _hasher().verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def hash_is_outdated(password_hash: str) -> bool:
    """Was it made with other parameters than those of the configuration?"""
    return _hasher().check_needs_rehash(password_hash)


def _hasher() -> PasswordHasher:
    return PasswordHasher(**current_app.config["ARGON2"])
