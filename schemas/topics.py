"""The one table of topics: names, keys, what they carry, how long they keep it.

Partitions are fixed at the start of a city's life; the table holds the least.
Topics keyed by city have one: correlation in space needs a city whole.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from schemas import units
from schemas.alerts import Alert
from schemas.cases import CaseEvent, CaseRecord
from schemas.commands import CaseCommand, CommandReply
from schemas.complaints import Complaint
from schemas.deadletter import DeadLetter
from schemas.detections import Detection
from schemas.devices import DeviceStatus
from schemas.dispatch import DispatchOrder, DispatchUpdate, Reminder
from schemas.envelope import Envelope
from schemas.heard import Heard
from schemas.incidents import Incident, IncidentCommand
from schemas.kpi import Kpi
from schemas.positions import Position
from schemas.readings import Reading
from schemas.responders import UnitStatus

SENSOR_READINGS = "sensor.readings"
SENSOR_READINGS_URGENT = "sensor.readings.urgent"
CAMERA_DETECTIONS = "camera.detections"
VESSEL_POSITIONS = "vessel.positions"
VESSEL_NMEA = "vessel.nmea"
CITIZEN_COMPLAINTS = "citizen.complaints"
ALERTS = "alerts"
INCIDENTS = "incidents"
INCIDENTS_LATEST = "incidents.latest"
INCIDENT_COMMANDS = "incident.commands"
INCIDENT_REPLIES = "incident.replies"
DISPATCH_ORDERS = "dispatch.orders"
DISPATCH_ORDERS_LATEST = "dispatch.orders.latest"
DISPATCH_UPDATES = "dispatch.updates"
REMINDERS = "reminders"
KPI = "kpi"
DEVICES_HEARD = "devices.heard"
DEVICES_STATUS = "devices.status"
CASE_COMMANDS = "case.commands"
CASE_REPLIES = "case.replies"
CASE_EVENTS = "case.events"
CASES = "cases"
CASES_LATEST = "cases.latest"
UNITS_STATUS = "units.status"
DEADLETTER = "deadletter"

_DAY_MS = 86_400_000
_INPUT_PARTITIONS = 4
_MIB = 1024 * 1024
_RECORD_OVERHEAD = 16 * 1024  # key, headers and framing


class Topic(NamedTuple):
    """One topic.

    Attributes:
        name: As on the broker.
        key: What its records are keyed by, in words.
        why: Why that key.
        record: The contract of its values; None where they are not JSON.
        partitions: The least it has.
        retention_ms: How long it keeps a record; of a compacted topic, how
            long a tombstone stays readable.
        cleanup: Kafka's `cleanup.policy`.
        compression: Kafka's `compression.type`; `producer` keeps the sender's.
    """

    name: str
    key: str
    why: str
    record: type[Envelope] | None
    partitions: int = 1
    retention_ms: int = 365 * _DAY_MS
    cleanup: str = "delete"
    compression: str = "producer"


_ORDER = "with the alerts, so that their order holds"
_TABLE = (
    Topic(SENSOR_READINGS, "device", "order per device", Reading, _INPUT_PARTITIONS, 7 * _DAY_MS),
    Topic(
        SENSOR_READINGS_URGENT,
        "device",
        "order per device; fire, gas, flood and distress have workers of their own",
        Reading,
        _INPUT_PARTITIONS,
        7 * _DAY_MS,
    ),
    Topic(
        CAMERA_DETECTIONS, "camera", "order per camera", Detection, _INPUT_PARTITIONS, 7 * _DAY_MS
    ),
    Topic(VESSEL_POSITIONS, "MMSI", "order per vessel", Position, _INPUT_PARTITIONS, 30 * _DAY_MS),
    Topic(
        VESSEL_NMEA,
        "station",
        "the parts of a sentence stay together",
        None,
        _INPUT_PARTITIONS,
        30 * _DAY_MS,
    ),
    Topic(
        CITIZEN_COMPLAINTS,
        "city",
        "few, correlated by place",
        Complaint,
        _INPUT_PARTITIONS,
        30 * _DAY_MS,
    ),
    Topic(
        ALERTS,
        "city",
        "correlation in space crosses community borders, so one partition sees a city whole",
        Alert,
        retention_ms=30 * _DAY_MS,
    ),
    Topic(INCIDENTS, "city", _ORDER, Incident),
    Topic(
        INCIDENTS_LATEST,
        "incident_id",
        "the newest state of each, for screens",
        Incident,
        retention_ms=_DAY_MS,
        cleanup="compact",
    ),
    Topic(INCIDENT_COMMANDS, "city", _ORDER, IncidentCommand),
    Topic(INCIDENT_REPLIES, "city", "in the order of the commands", CommandReply),
    Topic(DISPATCH_ORDERS, "city", _ORDER, DispatchOrder),
    Topic(
        DISPATCH_ORDERS_LATEST,
        "order_id",
        "the newest state of each, for screens",
        DispatchOrder,
        retention_ms=_DAY_MS,
        cleanup="compact",
    ),
    Topic(DISPATCH_UPDATES, "city", _ORDER, DispatchUpdate),
    Topic(REMINDERS, "city", _ORDER, Reminder),
    Topic(
        KPI,
        "unit",
        "the newest figures of each unit and area",
        Kpi,
        retention_ms=_DAY_MS,
        cleanup="compact",
    ),
    Topic(CASE_COMMANDS, "city", _ORDER, CaseCommand),
    Topic(CASE_REPLIES, "city", "in the order of the commands", CommandReply),
    Topic(CASE_EVENTS, "city", "the steps of a case in their order, each chained", CaseEvent),
    Topic(CASES, "city", _ORDER, CaseRecord),
    Topic(
        CASES_LATEST,
        "case_id",
        "the newest state of each, for screens",
        CaseRecord,
        retention_ms=_DAY_MS,
        cleanup="compact",
    ),
    Topic(
        UNITS_STATUS,
        "unit",
        "the newest state of each",
        UnitStatus,
        retention_ms=_DAY_MS,
        cleanup="compact",
    ),
    Topic(
        DEVICES_HEARD,
        "city",
        "each partition counts what it hears; whoever adds up sees a city whole",
        Heard,
        retention_ms=_DAY_MS,
    ),
    Topic(
        DEVICES_STATUS,
        "device",
        "the newest state of each, for screens",
        DeviceStatus,
        retention_ms=_DAY_MS,
        cleanup="compact",
    ),
    Topic(
        DEADLETTER,
        "source topic",
        "what one topic refused stays in order",
        DeadLetter,
        retention_ms=30 * _DAY_MS,
    ),
)
TOPICS: Mapping[str, Topic] = MappingProxyType({topic.name: topic for topic in _TABLE})


def reading_topic(kind: str) -> str:
    """Return the topic of a reading of `kind`: life safety has a lane of its own.

    A pack goes where its most urgent reading goes. A kind that nobody knows takes
    the common lane, where it is refused.
    """
    spec = units.KINDS.get(kind)
    return SENSOR_READINGS_URGENT if spec is not None and spec.urgent else SENSOR_READINGS


def topic_config(topic: Topic) -> dict[str, str]:
    """Return the configs that a topic must have, under Kafka's own names.

    Values are read up to 1 MiB. A dead letter holds the whole refused record in
    base64, hence its topic's double size (a producer's own limit must follow).
    """
    age = "delete.retention.ms" if topic.cleanup == "compact" else "retention.ms"
    largest = 2 * _MIB if topic.name == DEADLETTER else _MIB + _RECORD_OVERHEAD
    return {
        "cleanup.policy": topic.cleanup,
        "compression.type": topic.compression,
        age: str(topic.retention_ms),
        "max.message.bytes": str(largest),
    }
