"""Signatures after Standard Webhooks (standardwebhooks.com, v1), for which libraries exist.

Signed is `id.timestamp.body` with HMAC-SHA256. While a secret is being rotated
there are several, and a signature by each.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Final

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
LEAST_BYTES: Final = 24
"""Of a secret, as the specification asks."""

_PREFIX: Final = "whsec_"


def secret_of(text: str) -> bytes:
    """Return the bytes of a secret: base64 after `whsec_`, else the text itself.

    Raises:
        ValueError: It is too short, or its base64 is none.
    """
    if text.startswith(_PREFIX):
        try:
            secret = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
        except binascii.Error as error:
            raise ValueError(f"what follows {_PREFIX} is no base64: {error}") from None
    else:
        secret = text.encode()
    if len(secret) < LEAST_BYTES:
        raise ValueError(f"a secret has at least {LEAST_BYTES} bytes: openssl rand -hex 32")
    return secret


def headers(secrets: Sequence[bytes], message_id: str, at_s: int, body: bytes) -> Mapping[str, str]:
    """Return the three headers of a message.

    Args:
        secrets: That sign it.
        message_id: The same for every attempt.
        at_s: Of this attempt, in seconds since 1970.
        body: Exactly as it is sent.
    """
    signed = f"{message_id}.{at_s}.".encode() + body
    signatures = [
        base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
        for secret in secrets
    ]
    return {
        ID: message_id,
        TIMESTAMP: str(at_s),
        SIGNATURE: " ".join(f"v1,{signature}" for signature in signatures),
    }
