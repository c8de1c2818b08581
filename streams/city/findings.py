"""What is wrong in a city's files: where exactly, what, and how to mend it."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import NamedTuple

import msgspec

ANY_KEY = "..."
"""Stands in `steps_of` for a key of a mapping."""


class Finding(NamedTuple):
    """One thing that is wrong.

    Attributes:
        file: Path in the city's folder.
        line: Line in that file, from 1.
        path: Where in its structure: `venues[2].limit_db`, a feature's id.
        what: What is wrong.
        cure: What to do about it.
    """

    file: str
    line: int
    path: str
    what: str
    cure: str

    def __str__(self) -> str:
        where = f" {self.path}:" if self.path else ""
        return f"{self.file}:{self.line}:{where} {self.what}; {self.cure}"


class CityFault(ValueError):  # noqa: N818 - the city's files are at fault, not the program
    """The files do not make a city.

    Attributes:
        findings: All that is wrong, by file and line.
    """

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(sorted(findings))
        super().__init__("\n".join(map(str, self.findings)))


class Misfit(NamedTuple):
    """Why a value does not fit its type: keys down to it, what is wrong, the cure."""

    path: tuple[str | int, ...]
    what: str
    cure: str


def steps_of(error: msgspec.ValidationError) -> tuple[str | int, ...]:
    """Return the keys down to what msgspec found; `...` for a mapping's, which it does not name."""
    where = str(error).partition(" - at `")[2]
    steps = re.findall(r"\.([^.\[\]`]+)|\[(\d+|\.\.\.)\]", where)
    return tuple(int(at) if at.isdigit() else name or at for name, at in steps)


def misfit(
    error: msgspec.ValidationError,
    known: Iterable[str] = (),
    path: tuple[str | int, ...] | None = None,
) -> Misfit:
    """Return what msgspec found, in words for the owner of the file.

    Args:
        error: What msgspec raised.
        known: Keys that would be right, for a suggestion.
        path: Keys down to it, where more of them are known than the error names.
    """
    what = str(error).partition(" - at `")[0]
    if path is None:
        path = tuple(step for step in steps_of(error) if step != ANY_KEY)
    if unknown := re.search(r"unknown field `(.+?)`", what):
        key, names = unknown[1], sorted(known)
        near = get_close_matches(key, names, 1)
        cure = f"did you mean `{near[0]}`?" if near else f"known keys: {', '.join(names)}"
        return Misfit((*path, key), f"unknown key `{key}`", cure)
    if missing := re.search(r"missing required field `(.+?)`", what):
        return Misfit(path, f"the key `{missing[1]}` is missing", f"add `{missing[1]}`")
    what, _, cure = what.partition("; ")  # what we raise ourselves may know the cure
    return Misfit(path, _lower(what), cure or "write a value of the expected kind")


def path_text(path: Iterable[str | int]) -> str:
    """Return a path as people write it: `venues[2].limit_db`, `kinds."gas.toxic".levels`."""
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{_key(key)}" for key in path)
    return text.removeprefix(".")


def _key(name: str) -> str:
    return f'"{name}"' if "." in name else name


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
