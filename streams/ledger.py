"""The ledger: every row that was read is accounted for."""

from typing import NamedTuple


class Counts(NamedTuple):
    """What became of the rows of one batch, or of many added up.

    Attributes:
        read: Rows that came in, refused ones included.
        used: Rows that were accepted: released to the rules, or held for them.
        late: Behind the watermark by more than is allowed.
        future: Ahead of their ingest time by more than is allowed.
        rejected: Not readable, or not valid.
        redelivered: Seen before.
    """

    read: int = 0
    used: int = 0
    late: int = 0
    future: int = 0
    rejected: int = 0
    redelivered: int = 0

    def plus(self, other: "Counts") -> "Counts":
        """Return both added up."""
        return Counts(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))

    def check(self) -> "Counts":
        """Return the counts when they are conserved.

        Raises:
            ValueError: When rows were lost or came from nowhere.
        """
        accounted = sum(self) - self.read
        if accounted != self.read:
            raise ValueError(f"{self.read} rows read, {accounted} accounted for: {self}")
        return self
