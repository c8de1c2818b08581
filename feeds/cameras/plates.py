"""Plates: never kept in clear, only as a keyed hash."""

import hashlib
import hmac
import os
import re
from collections.abc import Mapping
from pathlib import Path

SALT, SALT_FILE = "CITYBRAIN_PLATE_SALT", "CITYBRAIN_PLATE_SALT_FILE"
LEAST_SALT_BYTES = 16
_HEX_DIGITS = 32
_NO_SIGN = re.compile(r"[^\w]", re.UNICODE)


def salt_of(environment: Mapping[str, str] = os.environ) -> bytes:
    """Return the salt of the environment, or of the file that it names; empty without one.

    Raises:
        ValueError: It is too short to protect plates, of which there are few.
        OSError: The file cannot be read.
    """
    file = environment.get(SALT_FILE)
    salt = Path(file).read_bytes().strip() if file else environment.get(SALT, "").encode()
    if salt and len(salt) < LEAST_SALT_BYTES:
        raise ValueError(
            f"{SALT_FILE if file else SALT} has {len(salt)} bytes; "
            f"give at least {LEAST_SALT_BYTES}, such as `openssl rand -hex 32` writes"
        )
    return salt


def plate_hash(plate: str, salt: bytes) -> str | None:
    """Return the hash of a plate, in hex; None without a plate or without a salt.

    The same plate gives the same hash however it is spaced or cased.
    """
    plain = _NO_SIGN.sub("", plate).upper()
    if not plain or not salt:
        return None
    return hmac.new(salt, plain.encode(), hashlib.sha256).hexdigest()[:_HEX_DIGITS]
