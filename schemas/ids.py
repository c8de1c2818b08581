"""Deterministic ids: the same facts give the same id, in any replay."""

import hashlib

# UUIDv5 of the DNS name "citybrain.longgang", itself in RFC 4122's DNS namespace.
_NAMESPACE = hashlib.sha1(
    bytes.fromhex("6ba7b8109dad11d180b400c04fd430c8") + b"citybrain.longgang",
    usedforsecurity=False,
).digest()[:16]


def uuid5(*parts: str | int) -> str:
    """Return the UUIDv5 (RFC 4122) of `parts`, in the city brain's namespace.

    Written out over `hashlib` because rules may not import `uuid`, which also
    deals in dice and clocks.
    """
    name = "\x1f".join(str(part) for part in parts).encode()
    digest = bytearray(hashlib.sha1(_NAMESPACE + name, usedforsecurity=False).digest()[:16])
    digest[6] = (digest[6] & 0x0F) | 0x50
    digest[8] = (digest[8] & 0x3F) | 0x80
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
