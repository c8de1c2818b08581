"""Through the HTTP door: all but sentences, in batches, by the integrators' own client."""

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from feeds.client import Client, DoorError
from feeds.delivery.delivery import PATIENCE_S, DeliveryError
from feeds.recordings import KeyedRecord
from schemas.topics import (
    CAMERA_DETECTIONS,
    CITIZEN_COMPLAINTS,
    SENSOR_READINGS,
    SENSOR_READINGS_URGENT,
    VESSEL_POSITIONS,
)
from streams.doors.verdict import Outcome

_MOST_WAITING: Final = 10_000
_LOOK_S: Final = 0.05
_PROBE_S: Final = 10.0
_PORTS: Final = {"http": 80, "https": 443}
# Raw fields: an event goes out with the very digits with which it came.
_EVENT = msgspec.json.Decoder(dict[str, msgspec.Raw])


class HttpDelivery:
    """Delivers through one HTTP door.

    Args:
        url: `http://host:port`.
        key: As `citybrain keys new` showed it; one for all sources.
    """

    carries = frozenset(
        {
            SENSOR_READINGS,
            SENSOR_READINGS_URGENT,
            CAMERA_DETECTIONS,
            VESSEL_POSITIONS,
            CITIZEN_COMPLAINTS,
        }
    )

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        self._folder = tempfile.TemporaryDirectory(prefix="citybrain-via-")
        spool = Path(self._folder.name) / "spool.db"
        self._client = Client(url, key, spool, on_refused=self._refused)
        self._sent = 0
        self._unreadable = 0
        self._codes: Counter[str] = Counter()

    async def open(self) -> None:
        """Reach the door; the client itself would wait for it for ever."""
        parts = urlsplit(self.url)
        reaching = asyncio.open_connection(parts.hostname, parts.port or _PORTS[parts.scheme])
        try:
            _, writer = await asyncio.wait_for(reaching, _PROBE_S)
        except (OSError, TimeoutError) as error:
            raise DeliveryError(
                f"No door at {self.url}: {error or 'it does not answer'}",
                "Start one with `citybrain intake`, or mend the address.",
            ) from None
        writer.close()
        self._client.__enter__()

    async def send(self, records: Sequence[KeyedRecord]) -> None:
        """Put records into the client's spool, and wait while too many stand there."""
        await asyncio.to_thread(self._put, records)
        await self._shrunk(_MOST_WAITING)

    async def finish(self) -> None:
        """Wait until there is a verdict on each."""
        await self._shrunk(0)

    async def close(self) -> None:
        """End the client, and forget its spool."""
        await asyncio.to_thread(self._client.close, 0.0)
        self._folder.cleanup()

    def told(self) -> str:
        """Return the verdicts, counted; refusals by reason."""
        answered = self._client.answered
        words = (
            f"{self._sent:,} sent, {answered[Outcome.ACCEPTED]:,} accepted, "
            f"{answered[Outcome.DUPLICATE]:,} duplicates, {answered[Outcome.REJECTED]:,} refused"
        )
        if self._codes:
            words += f" ({', '.join(f'{code} {n:,}' for code, n in self._codes.most_common())})"
        if self._unreadable:
            words += f"; {self._unreadable:,} not sent: garbled, no JSON object"
        return words

    def _put(self, records: Sequence[KeyedRecord]) -> None:
        for record in records:
            try:
                event = _EVENT.decode(record.value)
            except msgspec.DecodeError:
                self._unreadable += 1
                continue
            try:
                self._client.send(event)
            except DoorError:
                return  # told by `_shrunk`
            self._sent += 1

    def _refused(self, _event: Mapping[str, Any], verdict: Mapping[str, Any]) -> None:
        self._codes[verdict["code"]] += 1

    async def _shrunk(self, most: int) -> None:
        """Wait until at most so many events have no verdict."""
        left, since_s = len(self._client.spool), time.monotonic()
        while True:
            if self._client.error is not None:
                raise DeliveryError(
                    f"{self.url}: {self._client.error}",
                    "Give a key that `citybrain keys list` calls good, in CITYBRAIN_KEY or "
                    "--key-file.",
                )
            now = len(self._client.spool)
            if now <= most:
                return
            if now < left:
                left, since_s = now, time.monotonic()
            elif time.monotonic() - since_s > PATIENCE_S:
                raise DeliveryError(
                    f"{self.url} took nothing for {PATIENCE_S:.0f} s; {now:,} events wait",
                    "Is the door still there, and Kafka behind it? See its /readyz.",
                )
            await asyncio.sleep(_LOOK_S)
