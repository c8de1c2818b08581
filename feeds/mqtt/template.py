"""Topic templates: `city/{source}/{device}/reading` says what a topic's levels stand for."""

import re
from collections.abc import Mapping
from typing import Final

NAMES: Final = frozenset({"source", "device", "kind", "camera"})
"""What a level may stand for: the first three fill the event's source, subject and kind."""

_NAME: Final = re.compile(r"\{([^{}]*)\}")


class Template:
    """A topic template.

    A level is a plain word, a `{name}`, `+` (any one level) or, at the end, `#`.

    Args:
        text: As written.

    Raises:
        ValueError: It is no template; the text says why.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        levels = text.split("/")
        names = [_name_of(level) for level in levels]
        known = [name for name in names if name]
        if len(set(known)) < len(known):
            raise ValueError(f"{text!r} names a level twice")
        if not text or "#" in levels[:-1]:
            raise ValueError(f"{text!r}: `#` stands at the end only")
        self.names = frozenset(known)
        self.subscription = "/".join(
            "+" if name else level for level, name in zip(levels, names, strict=True)
        )
        self._levels = list(zip(levels, names, strict=True))

    def match(self, topic: str) -> Mapping[str, str] | None:
        """Return what the named levels of `topic` are, None when it does not fit."""
        said = topic.split("/")
        ends_open = self._levels[-1][0] == "#"
        fixed = self._levels[:-1] if ends_open else self._levels
        if len(said) < len(fixed) or (len(said) > len(fixed) and not ends_open):
            return None
        found = {}
        for (level, name), word in zip(fixed, said, strict=False):
            if name:
                found[name] = word
            elif level not in ("+", word):
                return None
        return found if all(found.values()) else None


def _name_of(level: str) -> str:
    """Return the name that a level has, "" for a plain one."""
    if "{" not in level and "}" not in level:
        if level not in ("+", "#") and ("+" in level or "#" in level):
            raise ValueError(f"level {level!r}: `+` and `#` stand alone")
        return ""
    name = _NAME.fullmatch(level)
    if name is None or name[1] not in NAMES:
        allowed = ", ".join(f"{{{one}}}" for one in sorted(NAMES))
        raise ValueError(f"level {level!r}: a named level is one of {allowed}, and nothing else")
    return name[1]
