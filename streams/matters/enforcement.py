"""大综合一体化执法: which department leads which kind of event, in which field, on which matter.

One row a matter: a kind of event to the department that leads, the field of law and
the matter of the catalogue. A matter that nothing senses has no kind; it is there so
that the catalogue is whole. The first row that fits a kind is taken.
"""

import hashlib
from collections.abc import Iterable, Sequence

import msgspec

from streams.matters.routing import fits


class Competence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row of enforcement.csv.

    Attributes:
        department, field, matter: Who leads, in which field, on which matter.
        kind: Of the events that it is about: exact, or a prefix ending in "*".
        source: Where the row is from.
    """

    department: str
    field: str
    matter: str
    kind: str = ""
    source: str = ""


class Competences:
    """The table; an empty one knows nothing.

    Attributes:
        version: Twelve hex digits of a SHA-256 of its rows; "" of an empty one.
    """

    def __init__(self, rows: Iterable[Competence] = ()) -> None:
        self.rows = tuple(rows)
        digest = hashlib.sha256(msgspec.json.encode(self.rows)).hexdigest()
        self.version = digest[:12] if self.rows else ""
        self._sensed = tuple(row for row in self.rows if row.kind)

    def of(self, kind: str) -> Competence | None:
        """Return who is competent for events of `kind`; None is a hole."""
        return next((row for row in self._sensed if fits(row.kind, kind)), None)

    def holes(self, kinds: Sequence[str]) -> list[str]:
        """Return those of `kinds` for which nobody is competent."""
        return [kind for kind in kinds if self.of(kind) is None]
