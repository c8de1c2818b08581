"""All that the gateway knows, and how records of each topic enter it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import msgspec
import numpy as np
import orjson

from schemas import topics
from schemas.codec import decode_positions, decode_readings, decode_records
from schemas.detections import Detection
from schemas.records import RawBatch
from screens.hub.hub import Hub
from screens.hub.subscription import Layer
from screens.hub.table import Table
from screens.known.atlas import Atlas
from screens.known.cameras import Cameras
from screens.known.devices import Devices
from screens.known.feeds import Feeds
from screens.known.fleet import Fleet
from screens.known.holds import Holds
from screens.known.limits import Limits
from screens.known.matters import FORMS, Matters
from screens.known.sensors import Sensors
from screens.known.series import Series
from screens.known.stories import Stories
from streams.city.model import City

_ROOM = 10_000  # sensors; a ring each
_DISTRESS = "vessel.distress"
_MOST_ASKED = 10_000
_object = msgspec.json.Decoder(dict[str, Any])
Wire: TypeAlias = dict[str, Any]


class Start(NamedTuple):
    """From where a topic is read when the gateway starts.

    Attributes:
        back_s: So far back in time; None from its beginning (compacted topics).
        most: Records of a partition at most.
    """

    back_s: float | None
    most: int


_DAY_S = 86_400.0
STARTS: Mapping[str, Start] = {
    topics.SENSOR_READINGS: Start(300, 150_000),
    topics.SENSOR_READINGS_URGENT: Start(300, 150_000),
    topics.CAMERA_DETECTIONS: Start(600, 100_000),
    topics.VESSEL_POSITIONS: Start(_DAY_S, 500_000),
    topics.ALERTS: Start(_DAY_S, 200_000),
    topics.INCIDENTS_LATEST: Start(None, 1_000_000),
    topics.DISPATCH_ORDERS_LATEST: Start(None, 1_000_000),
    topics.REMINDERS: Start(_DAY_S, 50_000),
    topics.CASES_LATEST: Start(None, 1_000_000),
    topics.CASE_EVENTS: Start(_DAY_S, 100_000),
    topics.CASE_REPLIES: Start(3_600, 20_000),
    topics.INCIDENT_COMMANDS: Start(None, 100_000),
    topics.INCIDENT_REPLIES: Start(None, 100_000),
    topics.KPI: Start(None, 100_000),
    topics.DEVICES_STATUS: Start(None, 1_000_000),
    topics.DISPATCH_UPDATES: Start(_DAY_S, 100_000),
    topics.CITIZEN_COMPLAINTS: Start(600, 10_000),
}
"""Every topic that the gateway reads; one that the broker does not have is waited for."""

_MATTERS: Mapping[str, Layer] = {
    topics.ALERTS: Layer.ALERTS,
    topics.INCIDENTS_LATEST: Layer.INCIDENTS,
    topics.DISPATCH_ORDERS_LATEST: Layer.ORDERS,
    topics.REMINDERS: Layer.REMINDERS,
    topics.CASES_LATEST: Layer.CASES,
    topics.CASE_REPLIES: Layer.COMMANDS,
    topics.INCIDENT_REPLIES: Layer.COMMANDS,
    topics.KPI: Layer.KPI,
}


_TOLD: Mapping[Layer, str] = {
    Layer.ALERTS: "alert",
    Layer.INCIDENTS: "incident",
    Layer.ORDERS: "order",
    Layer.REMINDERS: "reminder",
}
"""Layers whose messages are kept as stories, and what they are called there."""


class Knowledge:
    """The latest state of the city.

    Attributes:
        city, atlas: Whose, and who owns what.
        hub: The layers as screens see them.
        sensors, cameras, fleet, matters, feeds: The layers as they are filled.
        holds: Silences and modes in force.
        limits: Of noise, by place and instant.
        devices: The newest word of `devices.status` by device.
        stories: What happened to each alert, incident, order and case.
        deliveries: What a loudspeaker said of a reminder, by its id.
        refused: Counts records that were not understood, by topic.
    """

    def __init__(self, city: City, epoch: str, now_ms: int) -> None:
        self.city = city
        self.atlas = Atlas(city)
        self.sensors = Sensors(city, self.atlas, Series(max(_ROOM, len(city.sensors) + 600)))
        self.cameras = Cameras(city, self.atlas)
        self.fleet = Fleet(city, self.atlas)
        self.matters = {layer: Matters(layer, self.atlas) for layer in FORMS}
        self.holds = Holds(self.atlas)
        self.feeds = Feeds(city, now_ms)
        self.limits = Limits(city)
        self.devices = Devices()
        self.refused: dict[str, int] = {}
        self.stories = Stories()
        self.deliveries: dict[str, str] = {}
        self._asked: dict[str, int] = {}
        tables: dict[Layer, Table] = {
            **self.matters,
            Layer.HOLDS: self.holds,
            Layer.VESSELS: self.fleet,
            Layer.SENSORS: self.sensors,
            Layer.CAMERAS: self.cameras,
        }
        self.hub = Hub({layer: tables[layer] for layer in Layer}, epoch)
        self._minute = 0
        self._open_alerts: dict[str, dict[str, str]] = {}
        self._takers: Mapping[str, Callable[[RawBatch, int], None]] = {
            topics.SENSOR_READINGS: self._take_readings,
            topics.SENSOR_READINGS_URGENT: self._take_readings,
            topics.VESSEL_POSITIONS: self._take_positions,
            topics.CAMERA_DETECTIONS: self._take_detections,
            topics.CITIZEN_COMPLAINTS: self._take_complaints,
            topics.DEVICES_STATUS: self._take_devices,
            topics.CASE_EVENTS: self._take_steps,
            topics.INCIDENT_COMMANDS: self._take_incident_commands,
            topics.DISPATCH_UPDATES: self._take_updates,
        }

    def take(self, topic: str, raw: RawBatch, now_ms: int) -> None:
        """Take in records of one topic, in order; what is not understood is counted."""
        taker = self._takers.get(topic)
        if taker is not None:
            taker(raw, now_ms)
        else:
            self._take_matters(topic, raw, now_ms)

    def tick(self, now_ms: int) -> None:
        """Let time pass: ages, limits, and one publication to all screens."""
        minute = now_ms // 60_000
        if minute != self._minute:
            self._minute = minute
            self.sensors.renew_limits(now_ms)
            for matter in self.matters.values():
                matter.age(now_ms)
            self.fleet.age(now_ms)
            self._forget_marks()
        self.sensors.age(now_ms)
        self.holds.age(now_ms)
        self.hub.tick(now_ms)

    # -- topics -----------------------------------------------------------------------

    def _take_readings(self, raw: RawBatch, now_ms: int) -> None:
        batch, rejects = decode_readings(raw, self.city.datums)
        self._count(raw.topic, len(rejects))
        self._hear(batch.source, raw)
        self.sensors.take(batch, now_ms)

    def _take_positions(self, raw: RawBatch, now_ms: int) -> None:
        batch, rejects = decode_positions(raw, self.city.datums)
        self._count(raw.topic, len(rejects))
        self._hear(batch.source, raw)
        self.fleet.take(batch, now_ms)

    def _take_detections(self, raw: RawBatch, now_ms: int) -> None:  # noqa: ARG002
        found, rejects = decode_records(raw, Detection)
        self._count(raw.topic, len(rejects))
        self._hear([detection.source for _, detection in found], raw)
        self.cameras.take([detection for _, detection in found])

    def _take_complaints(self, raw: RawBatch, now_ms: int) -> None:  # noqa: ARG002
        """Only to know that the hotline's feed lives; what they say comes as alerts."""
        self._hear([str(wire.get("source")) for _, wire in self._objects(raw)], raw)

    def _take_devices(self, raw: RawBatch, now_ms: int) -> None:  # noqa: ARG002
        for row, wire in self._objects(raw):
            device, state = str(wire.get("subject") or ""), str(wire.get("state") or "")
            self.devices.take(device, state, raw.values[row] or b"")
            self.cameras.take_status(device, state)

    def _take_matters(self, topic: str, raw: RawBatch, now_ms: int) -> None:
        layer = _MATTERS[topic]
        matters = self.matters[layer]

        def take(row: int, wire: Wire) -> None:
            orjson.dumps(wire)  # what cannot be told to screens is not taken
            place = None
            if layer is Layer.COMMANDS:
                place = self._reply_place(wire)
                self.holds.take_reply(wire)
                if now_ms - int(raw.ingest_time_ms[row]) > matters.form.keep_ms:
                    return  # read for what it holds back, long told
            if not matters.take(wire, int(raw.ingest_time_ms[row]), place):
                return
            if layer is Layer.ALERTS:
                self._mark_vessel(wire)
            if layer in _TOLD:
                name = f"{_TOLD[layer]} {wire[matters.form.key]}"
                self.stories.add(name, str(wire.get("id")), raw.values[row] or b"")

        self._each(raw, take, matters)

    def _take_steps(self, raw: RawBatch, now_ms: int) -> None:  # noqa: ARG002
        for row, wire in self._objects(raw):
            name = f"case-step {wire.get('case_id')}"
            self.stories.add(name, str(wire.get("id")), raw.values[row] or b"")

    def _take_incident_commands(self, raw: RawBatch, now_ms: int) -> None:  # noqa: ARG002
        self._each(raw, lambda _, wire: self.holds.take_command(wire))

    def _take_updates(self, raw: RawBatch, now_ms: int) -> None:  # noqa: ARG002
        """Only what loudspeakers report; the rest comes back as orders."""
        for _, wire in self._objects(raw):
            action = str(wire.get("action") or "")
            if action.startswith("reminder-"):
                self.deliveries[str(wire.get("order_id"))] = action
                if len(self.deliveries) > _MOST_ASKED:
                    del self.deliveries[next(iter(self.deliveries))]

    def _each(
        self, raw: RawBatch, take: Callable[[int, Wire], None], matters: Matters | None = None
    ) -> None:
        """Hand each object to `take`; one with a field of a wrong type is counted instead.

        Anybody who may write to a topic could else end every gateway, at each start anew.
        """
        for row, wire in self._objects(raw, matters):
            try:
                take(row, wire)
            except (TypeError, ValueError):
                self._count(raw.topic, 1)

    def _objects(self, raw: RawBatch, matters: Matters | None = None) -> list[tuple[int, Wire]]:
        found: list[tuple[int, Wire]] = []
        for row, value in enumerate(raw.values):
            if value is None:  # a tombstone of a compacted topic
                key = raw.keys[row]
                if matters is not None and key is not None:
                    matters.drop(key.decode(errors="replace"))
                continue
            try:
                found.append((row, _object.decode(value)))
            except (ValueError, RecursionError):
                self._count(raw.topic, 1)
        return found

    def _count(self, topic: str, refused: int) -> None:
        if refused:
            self.refused[topic] = self.refused.get(topic, 0) + refused

    def _hear(self, sources: Sequence[str], raw: RawBatch) -> None:
        if sources:
            newest_ms = int(np.max(raw.ingest_time_ms))
            for source in set(sources):
                self.feeds.hear(source, newest_ms)

    # -- what one topic says about another's entities ---------------------------------

    def _mark_vessel(self, wire: Wire) -> None:
        subject, name = str(wire.get("subject") or ""), str(wire["alert_id"])
        if not str(wire.get("kind") or "").startswith("vessel."):
            return
        alert = self.matters[Layer.ALERTS].get(name)
        held = self._open_alerts.setdefault(subject, {})
        if alert is not None and alert["open"]:
            held[name] = str(wire["kind"])
        else:
            held.pop(name, None)
        self._mark(subject, held)

    def _mark(self, subject: str, held: Mapping[str, str]) -> None:
        self.fleet.mark(subject, alert=bool(held), distress=_DISTRESS in held.values())
        if not held:
            del self._open_alerts[subject]

    def _forget_marks(self) -> None:
        """Let go of open alerts that are no longer known: too many others came since."""
        alerts = self.matters[Layer.ALERTS]
        for subject, held in list(self._open_alerts.items()):
            if gone := [name for name in held if alerts.get(name) is None]:
                for name in gone:
                    del held[name]
                self._mark(subject, held)

    def _reply_place(self, wire: Wire) -> Any:
        """Return where a reply counts: at its case or incident, else with who asked."""
        for layer, field in ((Layer.CASES, "case_id"), (Layer.INCIDENTS, "incident_id")):
            item = self.matters[layer].item(str(wire.get(field) or wire.get("subject") or ""))
            if item is not None:
                return item.place._replace(lon_deg=float("nan"), lat_deg=float("nan"))
        place = self.atlas.of_record({})
        community = self._asked.get(str(wire.get("command_id") or ""), place.community)
        return place._replace(community=community)

    def expect_reply(self, command_id: str, area: str) -> None:
        """Note for whom the answer to a command is, where it names no case: who asked."""
        self._asked[command_id] = self.atlas.of_area(area)
        if len(self._asked) > _MOST_ASKED:
            del self._asked[next(iter(self._asked))]
