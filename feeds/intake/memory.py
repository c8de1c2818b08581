"""The memory of intake: which events were published in the last 24 hours, and with what body.

Idempotency: the key is the source with its own id of the event,
or, without one, with kind, subject and event time. Kept on disk in buckets of a
day, so that a restart forgets nothing and a day that is over is deleted whole.

A crash between the broker's acknowledgement and the writing here forgets the
events of that moment: the sender, who got no answer, sends them again, and they
stand twice on the topic. Rules and sinks take repeated events as one, so this
costs nothing but the room. Written without fsync: what holds against a crash of
the process is forgotten only in a crash of the machine, with the same effect.
"""

import contextlib
import fcntl
import shutil
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
from rocksdict import BlockBasedOptions, Options, Rdict, WriteBatch

from streams.doors.judging import Taken

KEPT_MS: Final = 86_400_000
_BUCKET_MS: Final = 86_400_000
_KEY_BYTES, _BODY_BYTES, _TIME_BYTES = 16, 8, 6
_BETWEEN = "\x1f"
_OWN_ONLY = ("ingest_time", "trace")  # may differ between two attempts of one event


_OBJECT = msgspec.json.Decoder(dict[str, Any])
_ENCODER = msgspec.json.Encoder(order="sorted")


class Print(NamedTuple):
    """The finger print of an event: its key, and its body's digest."""

    key: bytes
    body: bytes


def prints_of(events: Sequence[Taken]) -> list[Print]:
    """Return the finger print of each event.

    The body is compared by what it says, not by its bytes: the order of fields
    and the writing of numbers do not matter.
    """
    decode, encode = _OBJECT.decode, _ENCODER.encode
    made = []
    for event in events:
        said = decode(event.value)
        for name in _OWN_ONLY:
            if name in said:
                del said[name]
        name = (
            f"{event.source}{_BETWEEN}{event.id}"
            if event.id
            else f"{event.source}{_BETWEEN}{event.kind}{_BETWEEN}{event.subject}{_BETWEEN}"
            f"{event.event_time_ms}"
        )
        key = blake2b(name.encode(), digest_size=_KEY_BYTES).digest()
        made.append(Print(key, blake2b(encode(said), digest_size=_BODY_BYTES).digest()))
    return made


class MemoryInUseError(Exception):
    """Another process has the folder open."""


class Memory:
    """What was published, by key; one process at a time may have a folder open.

    Args:
        folder: Where the buckets are.

    Raises:
        MemoryInUseError: Another process has it open.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._buckets: dict[int, Rdict] = {}
        self._oldest = -1
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = (folder / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            raise MemoryInUseError(f"another process serves the doors of {folder}") from error

    def recall(self, keys: Sequence[bytes], now_ms: int) -> list[bytes | None]:
        """Return the body's digest of each key published in the last 24 hours, or None."""
        found: list[bytes | None] = [None] * len(keys)
        self._forget_old(now_ms)
        asked: list[Any] = list(keys)
        for day in (now_ms // _BUCKET_MS, now_ms // _BUCKET_MS - 1):
            bucket = self._existing(day)
            if bucket is None or not asked:
                continue
            for place, kept in enumerate(bucket.get(asked) or ()):
                if kept is None or found[place] is not None:
                    continue
                at_ms = int.from_bytes(kept[_BODY_BYTES:], "big")
                if now_ms - at_ms < KEPT_MS:
                    found[place] = kept[:_BODY_BYTES]
        return found

    def remember(self, prints: Iterable[Print], now_ms: int) -> None:
        """Write down what the broker has acknowledged."""
        bucket = self._bucket(now_ms // _BUCKET_MS)
        written = WriteBatch(raw_mode=True)
        at = now_ms.to_bytes(_TIME_BYTES, "big")
        for one in prints:
            written[one.key] = one.body + at
        bucket.write(written)

    def close(self) -> None:
        """Close the buckets."""
        for bucket in self._buckets.values():
            bucket.close()
        self._buckets.clear()
        self._lock.close()

    def _existing(self, day: int) -> Rdict | None:
        known = self._buckets.get(day)
        return self._bucket(day) if known or (self._folder / f"day-{day}").is_dir() else None

    def _bucket(self, day: int) -> Rdict:
        bucket = self._buckets.get(day)
        if bucket is None:
            bucket = self._buckets[day] = Rdict(str(self._folder / f"day-{day}"), _options())
        return bucket

    def _forget_old(self, now_ms: int) -> None:
        """Delete the buckets that no answer can come from."""
        oldest = now_ms // _BUCKET_MS - 1
        if oldest == self._oldest:
            return
        self._oldest = oldest
        for path in self._folder.glob("day-*"):
            with contextlib.suppress(ValueError):
                day = int(path.name.removeprefix("day-"))
                if day < oldest:
                    bucket = self._buckets.pop(day, None)
                    if bucket is not None:
                        bucket.close()
                    shutil.rmtree(path, ignore_errors=True)


def _options() -> Options:
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    options.set_write_buffer_size(32 << 20)
    options.set_keep_log_file_num(2)
    options.set_memtable_prefix_bloom_ratio(0.1)
    options.set_memtable_whole_key_filtering(True)  # most keys are new: a third of the cost
    table = BlockBasedOptions()
    table.set_bloom_filter(10, block_based=False)
    options.set_block_based_table_factory(table)
    return options
