"""What was published is recognised for 24 hours, over a restart, and forgotten after."""

from pathlib import Path

import pytest

from feeds.intake.memory import KEPT_MS, Memory, MemoryInUseError, Print, prints_of
from streams.doors.judging import Taken

DAY_MS = 86_400_000
NOW_MS = 20_000 * DAY_MS + 3_600_000
A, B, C = (Print(bytes([n]) * 16, bytes([n]) * 8) for n in (1, 2, 3))


def event(value: bytes, event_id: str = "", at_ms: int = 5) -> Taken:
    return Taken(0, "t", b"k", value, "noise", "noise.laeq", "m-1", at_ms, event_id)


def print_of(event: Taken) -> Print:
    (one,) = prints_of([event])
    return one


def test_what_was_remembered_is_recalled_after_a_restart(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    memory.remember([A, B], NOW_MS)
    memory.close()
    again = Memory(tmp_path)

    assert again.recall([A.key, C.key, B.key], NOW_MS + 1) == [A.body, None, B.body]
    again.close()


def test_it_is_forgotten_after_24_hours_and_its_day_is_deleted(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    memory.remember([A], NOW_MS)

    assert memory.recall([A.key], NOW_MS + KEPT_MS - 1) == [A.body]
    assert memory.recall([A.key], NOW_MS + KEPT_MS) == [None]
    memory.remember([B], NOW_MS + DAY_MS)
    memory.remember([B], NOW_MS + 2 * DAY_MS)
    assert memory.recall([B.key], NOW_MS + 2 * DAY_MS) == [B.body]
    memory.close()
    assert sorted(path.name for path in tmp_path.glob("day-*")) == ["day-20001", "day-20002"]


def test_one_process_at_a_time_serves_a_folder(tmp_path: Path) -> None:
    first = Memory(tmp_path)

    with pytest.raises(MemoryInUseError):
        Memory(tmp_path)
    first.close()
    Memory(tmp_path).close()


def test_a_body_is_compared_by_what_it_says() -> None:
    one = print_of(event(b'{"value": 1.50, "unit":"m","trace":"a"}'))

    assert print_of(event(b'{"unit":"m","value":1.5,"trace":"b","ingest_time":"x"}')) == one
    assert print_of(event(b'{"unit":"m","value":1.6}')).body != one.body


def test_the_key_is_the_own_id_or_else_what_when_and_where() -> None:
    by_facts, by_id = print_of(event(b"{}")), print_of(event(b"{}", "e-1"))

    assert print_of(event(b"{}", "e-1", at_ms=9)).key == by_id.key
    assert print_of(event(b"{}", at_ms=9)).key != by_facts.key
    assert by_facts.key != by_id.key
