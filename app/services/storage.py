"""Files on disk, under one root and under names of our own making. Nothing of a user's file name reaches the disk."""

import logging
import os
import re
import secrets
from pathlib import Path

from flask import current_app

from app.errors import AppError

log = logging.getLogger("lumen")
NAME = re.compile(r"[0-9a-f]{2}/[0-9a-f]{32}\.(jpg|png|pdf)")


class MissingFile(LookupError):
    """The store has no file of this name, though it may have had one."""


class StorageFailed(AppError):
    """The disk is full or cannot be written."""

    def __init__(self) -> None:
        super().__init__(
            503, "Storage not available",
            "The server cannot store files at the moment. Nothing was saved; tell its operator and try again later.",
            retry_after=60,
        )  # fmt: skip


class FileStore:
    """Keeps bytes under names like `3f/3f0a….png`; raises ValueError for any name that is not of this form."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)

    def put(self, data: bytes, suffix: str, key: str = "") -> str:
        """Store `data` under a name that ends in `suffix`: .jpg, .png or .pdf. Raises StorageFailed.

        The name is a new one, or that of `key`: 32 hexadecimal characters that were never used before.
        """
        name = self.name_of(key or secrets.token_hex(16), suffix)
        path = self._path(name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _write_whole(path, data)
        except OSError as error:
            log.error("The file store cannot be written: %s", error.strerror)
            raise StorageFailed from error
        return name

    @staticmethod
    def name_of(key: str, suffix: str) -> str:
        """The name that a file of this key, 32 hexadecimal characters, has: it is not looked for."""
        return f"{key[:2]}/{key}{suffix}"

    def get(self, name: str) -> bytes:
        """The bytes of this name; raises MissingFile."""
        try:
            return self._path(name).read_bytes()
        except OSError as error:
            raise MissingFile(f"The store cannot read {name}: {error.strerror}") from error

    def delete(self, name: str) -> None:
        """Remove the file, also one that was never written to its end; one that is gone already is fine.

        Raises OSError where the disk keeps it.
        """
        for path in (self._path(name), _partial(self._path(name))):
            path.unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not a name of this store")
        return self.root / name


def _partial(path: Path) -> Path:
    return path.with_suffix(".partial")


def _write_whole(path: Path, data: bytes) -> None:
    # Written aside, then renamed: a name in the store always means a complete file, also after a crash.
    partial = _partial(path)
    try:
        with partial.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def file_store() -> FileStore:
    """The store of this application."""
    return FileStore(current_app.config["FILES_ROOT"])
