"""From what each partition has heard to the status of devices and feeds, city-wide."""

from collections.abc import Iterable

import msgspec
import numpy as np

from schemas.alerts import Alert
from schemas.codec import decode_records, encode
from schemas.devices import DeviceStatus
from schemas.heard import Heard
from schemas.records import RawBatch
from schemas.topics import DEVICES_STATUS
from streams.city.model import City
from streams.devices import feeds, watching
from streams.devices.feeds import Feed
from streams.devices.watching import Watch, register_of
from streams.operator import NOTHING, Outcome, Row, Send
from streams.operators.events import Tally

_FEED, _PAGE = b"f\x00", b"d\x00"  # feeds are written last: they know which counts were taken


class DevicesOperator:
    """Adds up what all partitions heard; a city's devices and feeds are one partition."""

    def __init__(self, city: City) -> None:
        self._city = city
        self._feed_params: feeds.Params = city.params[feeds.NAME]
        self._params: watching.Params = city.params[watching.NAME]
        self._register = register_of(city)
        self._feeds: dict[str, Feed] = {}
        self._watches: dict[str, Watch] = {}
        self._moved: set[str] = set()
        self._watched_ms: int | None = None

    def take(self, raw: RawBatch, now_ms: int) -> Outcome:
        """Take counts in; what was taken before changes nothing."""
        tally = Tally(self._city.code, now_ms)
        if self._watched_ms is None:
            self._watched_ms = now_ms
        rows, rejects = decode_records(raw, Heard)
        for reject in rejects:
            tally.refuse(raw, reject)
        touched: dict[str, Watch] = {}
        for row, said in rows:
            source, offset = said.source, int(raw.offsets[row])
            feed = self._feeds.get(source)
            if feed is not None:
                if offset < feed.next_offset:
                    continue
                at_ms = said.ingest_time_ms or said.event_time_ms
                feed, alerts = feeds.judged(source, feed, self._now(at_ms), self._feed_params)
                tally.alert(alerts)
            feed, alerts = feeds.heard(
                source,
                feed,
                said,
                offset,
                watched_ms=self._watched_ms,
                pause_ms=self._params.pause_s * 1000,
            )
            self._put(source, feed)
            tally.alert(alerts)
            touched[source] = watch = self._watch(source)
            self._say(watch.hear(said, feed), tally)
        for source, watch in touched.items():
            self._say(watch.judge(self._feeds[source]), tally)
        return Outcome(
            tally.sends,
            len(raw.values),  # records, but no events: these were counted where they came in
            refused=tally.refused,
            alerts=tally.alerts,
        )

    def wake(self, now_ms: int, *, caught_up: bool) -> Outcome:
        """See which feeds have come thin, or not at all, while nothing waits to be read."""
        if self._watched_ms is None or not caught_up:
            self._watched_ms = now_ms
        tally = Tally(self._city.code, now_ms)
        if not caught_up:
            return NOTHING
        now = self._now(now_ms)
        for source, before in sorted(self._feeds.items()):
            feed, alerts = feeds.judged(source, before, now, self._feed_params)
            if feed is not before:
                self._put(source, feed)
            tally.alert(alerts)
        return Outcome(tally.sends, alerts=tally.alerts, ages_ms=tally.ages_ms)

    def next_due_ms(self) -> int | None:
        """Return when the next feed is down unless it is heard before."""
        if self._watched_ms is None:
            return None
        dues = (
            feeds.due_ms(feed, self._watched_ms, self._feed_params) for feed in self._feeds.values()
        )
        return min((due for due in dues if due is not None), default=None)

    def changes(self) -> list[Row]:
        """Return the devices that moved, then the feeds."""
        rows: list[Row] = [
            (_PAGE + source.encode() + b"\x00" + page.to_bytes(4, "big"), raw)
            for source, watch in sorted(self._watches.items())
            for page, raw in watch.columns.dirty_pages()
        ]
        moved, self._moved = self._moved, set()
        rows += [
            (_FEED + source.encode(), msgspec.msgpack.encode(self._feeds[source]))
            for source in sorted(moved)
        ]
        return rows

    def restore(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Take up feeds and devices; pages come in rising order."""
        for key, value in sorted(rows):
            name = key[2:]
            if key.startswith(_FEED):
                self._feeds[name.decode()] = msgspec.msgpack.decode(value, type=Feed)
            else:
                source, page = name[:-5].decode(), int.from_bytes(name[-4:], "big")
                self._watch(source).columns.load(page, value)

    def watermark_ms(self) -> None:
        """Each feed has a time of its own."""
        return

    def _watch(self, source: str) -> Watch:
        watch = self._watches.get(source)
        if watch is None:
            devices = self._register.get(source, ())
            watch = self._watches[source] = Watch(source, devices, self._params)
        return watch

    def _put(self, source: str, feed: Feed) -> None:
        self._feeds[source] = feed
        self._moved.add(source)

    def _say(self, said: Iterable[Alert | DeviceStatus], tally: Tally) -> None:
        for one in said:
            if isinstance(one, DeviceStatus):
                tally.sends.append(Send(DEVICES_STATUS, one.subject.encode(), encode(one)))
            else:
                tally.alert([one])

    def _now(self, now_ms: int) -> feeds.Now:
        offsets = self._city.utc_offsets
        at = np.searchsorted(offsets.from_utc_ms, now_ms, side="right") - 1
        return feeds.Now(now_ms, int(offsets.offset_ms[at]), self._watched_ms or now_ms)
