"""Settings, read from the environment alone: VARIABLES is the table of them.

Nothing else that serves reads os.environ, but for models/deployment.py: it needs LUMEN_NETWORKS in training as well,
and `models` knows of no configuration.
"""

import os
import secrets
from pathlib import Path
from typing import NamedTuple

from flask.helpers import get_debug_flag

ROOT = Path(__file__).resolve().parent
MIB = 1024 * 1024


class ConfigError(RuntimeError):
    """The environment does not allow a safe start; the message says what to set."""


class Variable(NamedTuple):
    """One environment variable: what holds when it is not set (in words where that is computed) and what it does."""

    name: str
    default: str
    help: str


VARIABLES = (
    Variable("LUMEN_ENV", "development", "`development`, or `production` (https only; needs SECRET_KEY)."),
    Variable("SECRET_KEY", "", "Signs sessions; 32 characters or more. Development makes one and keeps it."),
    Variable("SECRET_KEY_FALLBACKS", "", "Former secret keys, with commas between, still accepted while rotating."),
    Variable("LUMEN_INSTANCE", str(ROOT / "instance"), "Folder of the SQLite database, the files and the kept secret."),
    Variable("LUMEN_FILES", "", "Folder of images, heatmaps and reports; `files` in LUMEN_INSTANCE when empty."),
    Variable(
        "DATABASE_URL", "", "SQLAlchemy URL, such as mysql+mysqlconnector://...; SQLite in LUMEN_INSTANCE if empty."
    ),
    Variable("LUMEN_NETWORKS", "", "Networks to serve instead of the default ones: `fracture=resnet50 chest=cnn`."),
    Variable("LUMEN_UPLOADS_PER_MINUTE", "30", "Studies that one user may send in a minute."),
    Variable("LUMEN_DECODERS", "1", "Processes of each worker that decode uploaded files."),
    Variable("LUMEN_TRUSTED_PROXIES", "0", "How many reverse proxies stand in front and set X-Forwarded-*."),
    Variable("HOST", "127.0.0.1", "Address that gunicorn listens on."),
    Variable("PORT", "8000", "Port that gunicorn listens on."),
    Variable("WEB_CONCURRENCY", "2", "Worker processes of gunicorn."),
)
_DEFAULTS = {variable.name: variable.default for variable in VARIABLES}


def setting(name: str) -> str:
    """The value of one of VARIABLES; set but empty counts as not set."""
    return os.environ.get(name, "") or _DEFAULTS[name]


def whole_number(name: str) -> int:
    """The value of a variable that counts something; raises ConfigError if it is no whole number."""
    value = setting(name)
    if not (value.isascii() and value.isdigit()):
        raise ConfigError(f"{name} is {value!r}; set it to a whole number.")
    return int(value)


INSTANCE = Path(setting("LUMEN_INSTANCE"))


class Config:
    """What every environment shares. Lengths of time are seconds, sizes are bytes, unless a name says otherwise."""

    FILES_ROOT = setting("LUMEN_FILES") or str(INSTANCE / "files")
    SQLALCHEMY_DATABASE_URI = setting("DATABASE_URL") or f"sqlite:///{INSTANCE / 'lumen.db'}"
    # The server closes idle connections (MySQL: wait_timeout); a tested connection turns that into a reconnect.
    SQLALCHEMY_ENGINE_OPTIONS = {"pool_pre_ping": True, "pool_recycle": 1800}

    MAX_IMAGE_BYTES = 16 * MIB
    MAX_IMAGES_PER_STUDY = 8
    MAX_CONTENT_LENGTH = 64 * MIB
    MAX_FORM_MEMORY_SIZE = 256 * 1024
    MAX_FORM_PARTS = 64
    UPLOADS_PER_MINUTE = whole_number("LUMEN_UPLOADS_PER_MINUTE")
    DECODERS = max(1, whole_number("LUMEN_DECODERS"))

    SESSION_COOKIE_HTTPONLY = True
    SESSION_COOKIE_SAMESITE = "Lax"
    SESSION_IDLE = 30 * 60
    SESSION_ABSOLUTE = 12 * 60 * 60
    WTF_CSRF_TIME_LIMIT = None  # a token lives as long as its session
    WTF_CSRF_SSL_STRICT = True

    LOGIN_FAILURES_PER_ACCOUNT = 5
    LOGIN_FAILURES_PER_ADDRESS = 30
    LOGIN_WINDOW = 15 * 60
    REGISTRATIONS_PER_ADDRESS = 20  # in LOGIN_WINDOW
    # argon2id at the OWASP minimum: 19 MiB each, so that eight log-ins at once fit into a small host.
    ARGON2 = {"time_cost": 2, "memory_cost": 19 * 1024, "parallelism": 1}

    TRUSTED_PROXIES = whole_number("LUMEN_TRUSTED_PROXIES")
    HSTS = False


class Development(Config):
    """`make run` on one machine, over plain http: a secret made once and kept in the instance folder."""

    SESSION_COOKIE_NAME = "lumen_session"

    def __init__(self) -> None:
        self.SECRET_KEY = setting("SECRET_KEY") or _kept_secret()


class Testing(Config):
    TESTING = True
    SECRET_KEY = "only-for-tests-" + "x" * 32
    SESSION_COOKIE_NAME = "lumen_session"
    SQLALCHEMY_DATABASE_URI = "sqlite://"
    ARGON2 = {"time_cost": 1, "memory_cost": 8, "parallelism": 1}


class Production(Config):
    """Behind https. Does not start without a strong SECRET_KEY of its own, nor in debug mode."""

    SESSION_COOKIE_NAME = "__Host-lumen_session"
    SESSION_COOKIE_SECURE = True
    HSTS = True

    def __init__(self) -> None:
        self.SECRET_KEY = setting("SECRET_KEY")
        if len(self.SECRET_KEY) < 32 or len(set(self.SECRET_KEY)) < 8:
            raise ConfigError("Set SECRET_KEY to at least 32 random characters, for example from: openssl rand -hex 32")
        if get_debug_flag():
            raise ConfigError("Debug mode shows code and data to visitors. Unset FLASK_DEBUG.")
        self.SECRET_KEY_FALLBACKS = [key for key in setting("SECRET_KEY_FALLBACKS").split(",") if key]


def from_environment() -> Config:
    """The configuration that LUMEN_ENV names, `development` or `production`. Makes the instance folder."""
    kinds = {"development": Development, "production": Production}
    name = setting("LUMEN_ENV")
    if name not in kinds:
        raise ConfigError(f"LUMEN_ENV is {name!r}; use one of: {', '.join(kinds)}")
    INSTANCE.mkdir(parents=True, exist_ok=True)
    return kinds[name]()


def _kept_secret() -> str:
    path = INSTANCE / "secret_key"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_hex(32))
    return path.read_text().strip()
