"""Keys of integrators: who may publish what, how much, and until when.

A key is `cb_<id>_<secret>`; the file keeps the SHA-256 of the secret and never
the secret itself. A slow hash (argon2) protects words that people choose; the
secret is 256 random bits, which no hardware searches through, and a door checks
one with every request, so a fast hash is right here and a slow one would be the
cheapest way to overload the door. The file is written whole and renamed, under a
lock, and read again by a running door when it has changed.
"""

import fcntl
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from streams.doors.sender import ALL, Sender

_MARK: Final = "cb"
_ID_BYTES, _SECRET_BYTES = 4, 32
DEFAULT_RATE: Final = 5_000.0
DEFAULT_BURST: Final = 50_000


class Key(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One key, as the file keeps it.

    Attributes:
        id: Stands in the key itself, and in lists and logs.
        label: In the words of whoever made it.
        sha256: Of the secret, in hex.
        sources, kinds, subject_prefix: As in `Sender`.
        rate_per_s: Events a second in the long run.
        burst: Events at once; a whole batch must fit.
        made_ms: When it was made.
        ends_ms: From when on it is not taken; None never.
        follows: Id of the key that it replaces.
    """

    id: str
    label: str
    sha256: str
    sources: tuple[str, ...]
    kinds: tuple[str, ...] = ALL
    subject_prefix: str = ""
    rate_per_s: float = DEFAULT_RATE
    burst: int = DEFAULT_BURST
    made_ms: int = 0
    ends_ms: int | None = None
    follows: str = ""

    @property
    def sender(self) -> Sender:
        """What it may publish."""
        return Sender(self.id, self.sources, self.kinds, self.subject_prefix)

    def is_good(self, now_ms: int) -> bool:
        """Return whether it is still taken."""
        return self.ends_ms is None or now_ms < self.ends_ms


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    keys: tuple[Key, ...]


_VERSION: Final = 1


class KeyFileError(ValueError):
    """The file of keys cannot be read."""


class KeyFile:
    """The file of keys.

    Args:
        path: It may not exist yet: then there is no key.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp: tuple[int, int, int] | None = None
        self._keys: dict[str, Key] = {}

    def keys(self) -> dict[str, Key]:
        """Return all keys by id, those of the past too; reads the file when it has changed.

        Raises:
            KeyFileError: It is not a file of keys.
        """
        try:
            told = self.path.stat()
        except FileNotFoundError:
            self._stamp, self._keys = None, {}
            return {}
        stamp = (told.st_mtime_ns, told.st_size, told.st_ino)
        if stamp != self._stamp:
            try:
                kept = msgspec.json.decode(self.path.read_bytes(), type=_File)
            except (msgspec.MsgspecError, OSError) as error:
                raise KeyFileError(f"{self.path} is no file of keys: {error}") from error
            if kept.version != _VERSION:
                raise KeyFileError(f"{self.path} is of version {kept.version}, not {_VERSION}")
            self._keys = {key.id: key for key in kept.keys}
            self._stamp = stamp
        return self._keys

    def find(self, token: str, now_ms: int) -> Key | None:
        """Return the key that `token` is, None for one that is not taken."""
        mark, _, rest = token.partition("_")
        key_id, _, secret = rest.partition("_")
        key = self.keys().get(key_id) if mark == _MARK else None
        if key is None or not hmac.compare_digest(_hash(secret), key.sha256):
            return None
        return key if key.is_good(now_ms) else None

    def add(self, key: Key, now_ms: int) -> str:
        """Add a key and return its token, which is told this once; id and hash are set here."""
        with self._locked():
            token, made = _fresh(key, now_ms)
            self._write({**self.keys(), made.id: made})
        return token

    def revoke(self, key_id: str, now_ms: int) -> Key | None:
        """End a key at once; None when there is none of this id."""
        with self._locked():
            keys = dict(self.keys())
            key = keys.get(key_id)
            if key is not None:
                ended = now_ms if key.ends_ms is None else min(now_ms, key.ends_ms)
                keys[key_id] = msgspec.structs.replace(key, ends_ms=ended)
                self._write(keys)
        return key

    def rotate(self, key_id: str, overlap_ms: int, now_ms: int) -> str | None:
        """Make a key's successor and return its token; the old one ends after `overlap_ms`.

        None when no key of this id is still taken.
        """
        with self._locked():
            keys = dict(self.keys())
            old = keys.get(key_id)
            if old is None or not old.is_good(now_ms):
                return None
            token, made = _fresh(msgspec.structs.replace(old, ends_ms=None, follows=key_id), now_ms)
            ends_ms = now_ms + overlap_ms
            if old.ends_ms is not None:
                ends_ms = min(ends_ms, old.ends_ms)
            keys[key_id] = msgspec.structs.replace(old, ends_ms=ends_ms)
            self._write({**keys, made.id: made})
        return token

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _write(self, keys: dict[str, Key]) -> None:
        raw = msgspec.json.format(msgspec.json.encode(_File(_VERSION, tuple(keys.values()))))
        fresh = self.path.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.path)


def _fresh(key: Key, now_ms: int) -> tuple[str, Key]:
    key_id, secret = secrets.token_hex(_ID_BYTES), secrets.token_urlsafe(_SECRET_BYTES)
    made = msgspec.structs.replace(key, id=key_id, sha256=_hash(secret), made_ms=now_ms)
    return f"{_MARK}_{key_id}_{secret}", made


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
