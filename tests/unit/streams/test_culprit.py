"""Which entry of a mapping is at fault, where msgspec does not say."""

import msgspec
import pytest

from streams.city.culprit import path_to


class Level(msgspec.Struct, forbid_unknown_fields=True):
    limit: float
    least: dict[str, int] = {}

    def __post_init__(self) -> None:
        if self.limit < 0:
            raise ValueError("a limit is not negative")


class Table(msgspec.Struct, forbid_unknown_fields=True):
    levels: dict[str, Level]
    rows: tuple[Level, ...] = ()

    def __post_init__(self) -> None:
        if bad := [name for name in self.levels if " " in name]:
            raise ValueError(f"no kind {bad[0]!r}")


def place(value: object) -> tuple[str | int, ...]:
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.convert(value, Table)
    return path_to(refused.value, value, Table)


GOOD = {"limit": 1.0}


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"levels": {"a.b": GOOD, "c": {"limit": "x"}}}, ("levels", "c", "limit")),
        ({"levels": {"a.b": {"limit": -1.0}, "c": GOOD}}, ("levels", "a.b")),
        ({"levels": {"a": GOOD, "c": GOOD | {"x": 1}}}, ("levels", "c")),
        ({"levels": {"a": GOOD | {"least": {"p": 1, "q": "x"}}}}, ("levels", "a", "least", "q")),
        ({"levels": {"a": GOOD}, "rows": [GOOD, {"limit": "x"}]}, ("rows", 1, "limit")),
        ({"levels": {"a": GOOD, "b c": GOOD}}, ("levels", "b c")),
        ({"levels": {"b c": GOOD, "d e": GOOD}}, ("levels", "b c")),
    ],
    ids=["type", "own check", "unknown key", "two deep", "in a list", "whole table", "two of it"],
)
def test_the_entry_of_a_mapping_is_named(value: object, path: tuple[str | int, ...]) -> None:
    assert place(value) == path


@pytest.mark.parametrize(
    "value",
    [{"levels": {"a": GOOD}, "more": 1}, {}],
    ids=["unknown key beside it", "nothing there"],
)
def test_no_entry_is_blamed_for_what_is_not_its_own(value: object) -> None:
    assert place(value) == ()
