"""Personal data at the door: a ticket goes on without what it says of its caller.

The contract of a complaint has no place for the caller. Fields that it does not
know are left out of a ticket, whatever they are, and numbers of mobile
telephones and identity cards in its texts are masked. The ticket is taken all
the same, with a warning: a fire is not lost to a telephone number.
"""

import re
from typing import Final

import msgspec

from schemas.complaints import Complaint
from schemas.items import reader
from streams.doors.verdict import Code, Outcome, Verdict

_TEXTS: Final = ("text", "place", "category")
# Mainland mobile numbers, and identity cards of 18 digits (GB 11643), not within longer numbers.
_NUMBERS: Final = re.compile(
    r"(?<!\d)(?:(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}|\d{17}[\dXx])(?!\d)"
)
_MASK: Final = "***"
_DECODER: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TEXT: Final = msgspec.json.Decoder(str | None)


def without_caller(ticket: bytes) -> tuple[bytes, Verdict | None]:
    """Return a valid complaint without personal data, and the warning that says so.

    One that holds none is returned as it stands, without a warning.
    """
    said = _DECODER.decode(ticket)
    left_out = sorted(said.keys() - reader(Complaint).known)
    kept: dict[str, object] = {name: raw for name, raw in said.items() if name not in left_out}
    masked = []
    for name in _TEXTS:
        text = _TEXT.decode(said[name]) if name in said else None
        if text and (clean := _NUMBERS.sub(_MASK, text)) != text:
            kept[name] = clean
            masked.append(name)
    if not left_out and not masked:
        return ticket, None
    words = []
    if left_out:
        words.append(f"left out: {', '.join(name[:64] for name in left_out[:8])}")
    if masked:
        words.append(f"numbers masked in: {', '.join(masked)}")
    hint = f"{'; '.join(words)}; send tickets without their caller's data"
    field = (left_out or masked)[0][:64]
    return msgspec.json.encode(kept), Verdict(Outcome.ACCEPTED, Code.PERSONAL_DATA, field, hint)
