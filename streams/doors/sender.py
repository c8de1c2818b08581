"""Who publishes: the sources, kinds and subjects that one sender may speak for."""

from fnmatch import fnmatchcase
from functools import lru_cache
from typing import NamedTuple

ALL = ("*",)


class Sender(NamedTuple):
    """What one sender may publish.

    Attributes:
        name: For people and logs: the id of its key, a topic template.
        sources: Names of the city's sources; `*` is all of them.
        kinds: Patterns of kinds with `*`: `noise.*`.
        subject_prefix: With which every subject begins; empty for any.
    """

    name: str
    sources: tuple[str, ...]
    kinds: tuple[str, ...] = ALL
    subject_prefix: str = ""

    @property
    def only_source(self) -> str:
        """The one source that it speaks for; "" where there are several."""
        return self.sources[0] if len(self.sources) == 1 and self.sources != ALL else ""

    def speaks_for(self, source: str) -> bool:
        """Return whether it may publish as `source`."""
        return source in self.sources or "*" in self.sources

    def may_send(self, kind: str) -> bool:
        """Return whether it may publish events of `kind`."""
        return _matches(kind, self.kinds)


@lru_cache(maxsize=4096)
def _matches(kind: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(kind, pattern) for pattern in patterns)
