"""Ways through the integrators' doors for what is simulated: which record goes by which."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit

from deploy.errors import Fault
from deploy.feeding import Pace, until_due
from feeds.delivery.delivery import Delivery, DeliveryError
from feeds.delivery.over_http import HttpDelivery
from feeds.delivery.over_mqtt import MqttDelivery
from feeds.delivery.over_nmea import TcpDelivery, UdpDelivery
from feeds.recordings import KeyedRecord
from streams.city.model import City

_NEWS_S: Final = 0.5
_KEYED: Final = ("http", "https")
_MQTT: Final = ("mqtt", "mqtts")


def needs_key(url: str) -> bool:
    """Return whether a door asks for a key."""
    return urlsplit(url).scheme in _KEYED


def needs_password(url: str) -> bool:
    """Return whether a door signs a user in."""
    return bool(urlsplit(url).username)


def check(url: str) -> None:
    """Look at an address.

    Raises:
        ValueError: It is none.
    """
    parts = urlsplit(url)
    schemes = (*_KEYED, *_MQTT, "tcp", "udp")
    if parts.scheme not in schemes or not parts.hostname:
        raise ValueError(f"{url!r} is none of {', '.join(f'{one}://HOST:PORT' for one in schemes)}")
    if parts.port is None and parts.scheme in ("tcp", "udp"):
        raise ValueError(f"{url!r} lacks its port")
    if parts.password:
        bare = f"{parts.scheme}://{parts.username}@{parts.netloc.rpartition('@')[2]}"
        raise ValueError(
            f"others see a password here; write {bare}, and it in CITYBRAIN_MQTT_PASSWORD"
        )
    if parts.username and parts.scheme not in _MQTT:
        raise ValueError(f"{url!r} names a user; only mqtt:// and mqtts:// sign one in")


class Ways:
    """The doors of one simulation. What several can carry goes by the first of them.

    Args:
        urls: Of the doors.
        key: For HTTP.
        password: For MQTT, of the user that an address names.
        city: Whose devices.

    Raises:
        ValueError: A door would carry nothing that an earlier one does not.
    """

    def __init__(self, urls: Sequence[str], key: str, password: str, city: City) -> None:
        self._by_topic: dict[str, Delivery] = {}
        self._doors: list[Delivery] = []
        self._left_out: Counter[str] = Counter()
        self._sent = 0
        for url in urls:
            door = _door(url, key, password, city)
            fresh = door.carries - self._by_topic.keys()
            if not fresh:
                raise ValueError(f"{url} would carry nothing that an earlier --via does not")
            self._by_topic |= dict.fromkeys(fresh, door)
            self._doors.append(door)

    def plan(self, topics: Collection[str]) -> str:
        """Return in one line what goes which way, and what is left out."""
        by_door: Mapping[str, list[str]] = defaultdict(list)
        for topic in sorted(topics):
            door = self._by_topic.get(topic)
            by_door[door.url if door else "left out"].append(topic)
        return "; ".join(f"{way}: {', '.join(some)}" for way, some in by_door.items())

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Reach all doors; at the end wait for their last answers.

        Raises:
            Fault: A door is not there, went away, or refuses the key.
        """
        opened: list[Delivery] = []
        try:
            for door in self._doors:
                opened.append(door)
                await door.open()
            yield
            for door in self._doors:
                await door.finish()
        except DeliveryError as error:
            raise Fault(error.what, error.cure) from None
        finally:
            for door in opened:
                await door.close()

    async def carry(
        self,
        batches: Iterable[Sequence[KeyedRecord]],
        pace: Pace,
        over: asyncio.Event,
        progress: Callable[[int], None],
    ) -> None:
        """Bring batches in their order to their doors, each when it is due, as `pour` does."""
        told_s = time.monotonic()
        for batch in batches:
            if not batch:
                continue
            await until_due(pace, batch[-1].event_time_ms, over)
            await asyncio.sleep(0)  # without a wait too, others have their turn
            if over.is_set():
                break
            parted: dict[str, list[KeyedRecord]] = defaultdict(list)
            for record in batch:
                door = self._by_topic.get(record.topic)
                if door is None:
                    self._left_out[record.topic] += 1
                else:
                    parted[door.url].append(record)
                    self._sent += 1
            await asyncio.gather(
                *(door.send(parted[door.url]) for door in self._doors if parted[door.url])
            )
            if time.monotonic() - told_s > _NEWS_S:
                told_s = time.monotonic()
                progress(self._sent)
        progress(self._sent)

    def told(self) -> list[str]:
        """Return a line for each door, and one for what was left out."""
        lines = [f"{door.url}: {door.told()}" for door in self._doors]
        if self._left_out:
            words = ", ".join(f"{n:,} of {topic}" for topic, n in sorted(self._left_out.items()))
            lines.append(f"left out: {words}")
        return lines


def _door(url: str, key: str, password: str, city: City) -> Delivery:
    scheme = urlsplit(url).scheme
    if scheme in _KEYED:
        return HttpDelivery(url, key)
    if scheme in _MQTT:
        sources = {code: one.source for code, one in city.sensors.items()}
        return MqttDelivery(url, password, sources)
    return TcpDelivery(url) if scheme == "tcp" else UdpDelivery(url)
