"""A refusal: why one event is not taken, and what would mend it."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import NamedTuple

from schemas.records import Reason, Reject, Stage

_KIND_CHARS = 64  # of an unknown kind are quoted


class Refusal(NamedTuple):
    """Why one event is refused: a named reason, the field on the wire, a cure."""

    reason: Reason
    field: str = ""
    hint: str = ""

    def at(self, row: int, part: int | None = None, stage: Stage = Stage.VALIDATE) -> Reject:
        """Return it as the reject of `row`, or of item `part` of that row's pack."""
        return Reject(row, stage, self.reason, in_pack(part, self.field), self.hint)


class Refused(ValueError):  # noqa: N818 - "refused" is the word of the contract
    """Raised where a single record is decoded and cannot be taken.

    Attributes:
        reason, field, hint: As in `Refusal`.
    """

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"{refusal.reason}: {refusal.field}: {refusal.hint}")
        self.refusal = refusal
        self.reason, self.field, self.hint = refusal


def unknown_kind(kind: str, known: Iterable[str]) -> Refusal:
    """Return the refusal of a kind that is none of `known`, with the nearest one."""
    kind, names = kind[:_KIND_CHARS], list(known)
    near = get_close_matches(kind, names, n=1)
    cure = f"did you mean {near[0]}?" if near else f"known are {', '.join(names)}"
    return Refusal(Reason.UNKNOWN_KIND, "kind", f"no kind {kind!r}; {cure}")


def in_pack(part: int | None, field: str) -> str:
    """Return `field` as it is named within a pack: `[3].value`."""
    if part is None or part < 0:
        return field
    return f"[{part}].{field}" if field else f"[{part}]"
