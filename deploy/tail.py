"""Watching a topic: choose by fields, and show what was chosen."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, NamedTuple, Self

import orjson
from aiokafka import ConsumerRecord

from deploy import render, topic_reader


class Where(NamedTuple):
    """A condition: the field at a dotted `path` reads `wanted`."""

    path: tuple[str, ...]
    wanted: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the condition in `field=value`; ValueError when it is none."""
        field, equals, wanted = text.partition("=")
        if not equals or not field.strip():
            raise ValueError(f"{text!r} is not field=value, for example severity=Severe")
        return cls(tuple(field.strip().split(".")), wanted)

    def holds(self, fields: dict[str, Any] | None) -> bool:
        """Whether a record's fields fulfil it; a missing field never does."""
        found: Any = fields
        for name in self.path:
            if not isinstance(found, dict) or name not in found:
                return False
            found = found[name]
        if isinstance(found, str):
            return found == self.wanted
        return bool(orjson.dumps(found).decode() == self.wanted)


async def watch(
    address: str,
    topic: str,
    where: Sequence[Where],
    *,
    from_beginning: bool,
    most: int | None,
    timeout_s: float | None,
) -> AsyncGenerator[ConsumerRecord, None]:
    """Yield the records of `topic` that fulfil every condition, at most `most`."""
    count = 0
    reader = topic_reader.read(address, [topic], from_beginning=from_beginning, timeout_s=timeout_s)
    async with aclosing(reader):
        async for records in reader:
            for record in records:
                fields = render.decode(record.value) if where else None
                if not all(condition.holds(fields) for condition in where):
                    continue
                yield record
                count += 1
                if count == most:
                    return


async def newest(address: str, topic: str, where: Sequence[Where]) -> list[ConsumerRecord]:
    """Return the newest record of each key that fulfils every condition, oldest first.

    A key whose newest record is empty is gone; records without a key stand for themselves.
    """
    found: dict[tuple[int, bytes | int], ConsumerRecord] = {}
    reader = topic_reader.read(address, [topic], from_beginning=True, until_end=True)
    async with aclosing(reader):
        async for records in reader:
            for record in records:
                key = record.offset if record.key is None else record.key
                found.pop((record.partition, key), None)
                if record.value is not None:
                    found[record.partition, key] = record
    return [
        record
        for record in found.values()
        if not where or all(one.holds(render.decode(record.value)) for one in where)
    ]


def as_json(record: ConsumerRecord) -> bytes:
    """Return one JSON line: where the record stands, and its value.

    A value that is no JSON is given as text (`value_text`), bytes that are no
    UTF-8 with escapes.
    """
    out: dict[str, Any] = {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "key": None if record.key is None else record.key.decode(errors="backslashreplace"),
    }
    fields = render.decode(record.value)
    if fields is not None:
        out["value"] = fields
    elif record.value is None:
        out["value"] = None
    else:
        out["value_text"] = record.value.decode(errors="backslashreplace")
    return orjson.dumps(out)
