"""Dead letters: choose them, count them, and send the original records again."""

import base64
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import NamedTuple

from aiokafka import ConsumerRecord

from deploy import topic_reader
from schemas import codec, topics
from schemas.deadletter import DeadLetter
from schemas.records import Reason, Stage
from schemas.refused import Refused

REPLAYED_FROM = "citybrain-replayed-from"
_EXCERPT_CHARS = 80


class Choice(NamedTuple):
    """Which dead letters: each non-empty part must hold."""

    ids: frozenset[str] = frozenset()
    reasons: frozenset[Reason] = frozenset()
    stages: frozenset[Stage] = frozenset()
    topics: frozenset[str] = frozenset()

    def takes(self, letter: DeadLetter) -> bool:
        """Whether `letter` is one of them."""
        return (
            (not self.ids or letter.id in self.ids)
            and (not self.reasons or letter.reason in self.reasons)
            and (not self.stages or letter.stage in self.stages)
            and (not self.topics or letter.topic in self.topics)
        )


class Resend(NamedTuple):
    """A record as it will be sent: the original bytes, and where it came from."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


async def chosen(
    address: str, prefix: str, choice: Choice, most: int | None
) -> AsyncGenerator[DeadLetter, None]:
    """Yield the dead letters kept by now that `choice` takes, each id once."""
    seen: set[str] = set()
    reader = topic_reader.read(
        address, [prefix + topics.DEADLETTER], from_beginning=True, until_end=True
    )
    async with aclosing(reader):
        async for records in reader:
            for record in records:
                letter = _letter(record)
                if letter is None or letter.id in seen or not choice.takes(letter):
                    continue
                seen.add(letter.id)
                yield letter
                if len(seen) == most:
                    return


def _letter(record: ConsumerRecord) -> DeadLetter | None:
    """Return the record's letter; None for what somebody else wrote there."""
    try:
        return codec.decode(DeadLetter, record.value or b"")
    except Refused:
        return None


def resend(letter: DeadLetter) -> Resend:
    """Return the original record, with a header that tells which letter it was."""
    topic, key, value, headers = codec.revive(letter)
    kept = [(name, raw) for name, raw in headers if name != REPLAYED_FROM]
    return Resend(topic, key, value, [*kept, (REPLAYED_FROM, letter.id.encode())])


def originals(letters: Sequence[DeadLetter]) -> list[DeadLetter]:
    """Return one letter a record: several readings of one pack share a record.

    What a door refused never stood on a topic: each such letter is its own.
    """
    firsts: dict[tuple[str, int, int, str], DeadLetter] = {}
    for letter in letters:
        own = letter.id if letter.offset < 0 else ""
        firsts.setdefault((letter.topic, letter.partition, letter.offset, own), letter)
    return list(firsts.values())


async def replay(address: str, prefix: str, letters: Sequence[DeadLetter]) -> None:
    """Send the originals of `letters` again, in their order; all are acknowledged.

    Letters name topics without the installation's `prefix`.
    """
    async with topic_reader.producer(address) as sender:
        waiting = []
        for letter in letters:
            again = resend(letter)
            waiting.append(
                await sender.send(
                    prefix + again.topic, again.value, key=again.key, headers=list(again.headers)
                )
            )
        for sent in waiting:
            await sent


def excerpt(letter: DeadLetter) -> str:
    """Return the beginning of the original value, readable, on one line."""
    if letter.value is None:
        return "(null)"
    raw = base64.b64decode(letter.value)
    text = raw[:_EXCERPT_CHARS].decode(errors="backslashreplace").encode("unicode_escape")
    more = f" … ({len(raw)} bytes)" if len(raw) > _EXCERPT_CHARS else ""
    return text.decode() + more


def as_json(letter: DeadLetter) -> str:
    """Return the letter as it stands on its topic, one JSON line."""
    return codec.encode(letter).decode()


def by_reason(letters: Sequence[DeadLetter]) -> list[tuple[str, int]]:
    """Return how many letters each topic, stage and reason has, the most first."""
    counts: dict[str, int] = {}
    for letter in letters:
        name = f"{letter.topic}  {letter.stage}: {letter.reason}"
        counts[name] = counts.get(name, 0) + 1
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
