"""Which entry of a table is at fault.

msgspec names the keys of a struct on the way to a fault, not those of a mapping: of
`[threshold.kinds."gas.toxic"]` it says `kinds[...]`. The entry is found by trying.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from streams.city.findings import ANY_KEY, steps_of

Path = tuple[str | int, ...]


def path_to(error: msgspec.ValidationError, value: object, kind: type[msgspec.Struct]) -> Path:
    """Return the keys down to what is wrong, those of mappings too, as far as they can be told.

    Args:
        error: What msgspec raised when it converted.
        value: What was converted.
        kind: To what.
    """

    def fails_with(entries: Mapping[str, Any], place: Path) -> bool:
        """Say whether the fault is the same with `entries` at `place`."""
        try:
            msgspec.convert(_with(value, place, entries), kind)
        except msgspec.ValidationError as other:
            return str(other) == str(error)
        return False

    path: Path = ()
    for step in steps_of(error):
        if step != ANY_KEY:
            path = (*path, step)
            continue
        entries = _at(value, path)
        found = next((key for key in entries if fails_with({key: entries[key]}, path)), None)
        if found is None:
            return path
        path = (*path, found)
    # A struct that refuses itself may do so for one entry of a mapping in it.
    here = _at(value, path)
    for name, entries in here.items() if isinstance(here, dict) else ():
        for key in entries if isinstance(entries, dict) else ():
            place = (*path, name)
            others = {other: entries[other] for other in entries if other != key}
            if fails_with({key: entries[key]}, place) and not fails_with(others, place):
                return (*place, key)
    return path


def _at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def _with(value: Any, path: Path, new: object) -> Any:
    """Return a copy of `value` that has `new` at `path`."""
    if not path:
        return new
    step, *rest = path
    copy: Any = value.copy()
    copy[step] = _with(value[step], tuple(rest), new)
    return copy
