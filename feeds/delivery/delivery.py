"""What every way through a door has in common."""

from collections.abc import Sequence
from typing import Protocol

from feeds.recordings import KeyedRecord

PATIENCE_S = 60.0
"""So long a door may take nothing, before it is given up."""


class DeliveryError(Exception):
    """A door is not there, or refuses us.

    Args:
        what: What is wrong, and where.
        cure: What to do about it.
    """

    def __init__(self, what: str, cure: str) -> None:
        super().__init__(what)
        self.what = what
        self.cure = cure


class Delivery(Protocol):
    """A way through one door; opened, then used, then finished, then closed."""

    @property
    def url(self) -> str:
        """The door's address, as it was given."""

    @property
    def carries(self) -> frozenset[str]:
        """The input topics whose records it can take."""

    async def open(self) -> None:
        """Reach the door.

        Raises:
            DeliveryError: Nobody is there.
        """

    async def send(self, records: Sequence[KeyedRecord]) -> None:
        """Hand records over, in their order; waits while the door is behind.

        Raises:
            DeliveryError: The door went away, or refuses us.
        """

    async def finish(self) -> None:
        """Wait until the door has answered for all, as far as it answers.

        Raises:
            DeliveryError: It does not.
        """

    async def close(self) -> None:
        """Let go of the door, whatever state it is in."""

    def told(self) -> str:
        """Return what became of what was sent, in words."""
