"""One example of each record, for the contract's documents and their tests."""

from collections.abc import Mapping
from types import MappingProxyType

from schemas.alerts import Alert, Severity, Transition
from schemas.cases import CaseClock, CaseEvent, CaseOrder, CaseRecord, CaseStage, sealed
from schemas.commands import CaseAction, CaseCommand, CommandReply
from schemas.complaints import Channel, Complaint
from schemas.deadletter import DeadLetter
from schemas.detections import Detection
from schemas.devices import DeviceState, DeviceStatus
from schemas.dispatch import (
    CaseState,
    Clock,
    DispatchOrder,
    DispatchUpdate,
    FieldAction,
    OrderChange,
    Reminder,
)
from schemas.envelope import Datum, Envelope
from schemas.heard import Heard
from schemas.ids import uuid5
from schemas.incidents import (
    Incident,
    IncidentAction,
    IncidentChange,
    IncidentCommand,
    IncidentState,
    Link,
)
from schemas.kpi import ClockScore, Kpi
from schemas.positions import Position
from schemas.readings import Reading
from schemas.records import Reason, Stage
from schemas.responders import UnitState, UnitStatus

_AT_MS = 1_777_638_600_000  # 2026-05-01T12:30:00Z
_LON_DEG, _LAT_DEG = 120.5531, 27.5782
_ALERT_ID = uuid5("example", "alert")
_INCIDENT_ID = uuid5("example", "incident")
_CASE_ID = uuid5("example", "case")
_ORDER_ID = uuid5("example", "order")
_SENTENCE = "68.4 dB(A) at Xiasha Square, 13.4 above the limit."

_COMMAND_ID = "field-app-7f3a"
_EVENT = sealed(
    CaseEvent(
        source="citybrain.dispatch",
        kind="case.event",
        subject=_CASE_ID,
        event_time_ms=_AT_MS + 40_000,
        id=uuid5(_CASE_ID, 2, "accept"),
        case_id=_CASE_ID,
        seq=2,
        action="accept",
        from_state=CaseState.DISPATCHED,
        to_state=CaseState.ACCEPTED,
        by="worker-031",
        role="field",
        unit="LG-01-003",
        order_id=_ORDER_ID,
        command_id=_COMMAND_ID,
        since_event_ms=40_000,
        since_created_ms=39_200,
        machine_ms=900,
        queue_ms=39_100,
        prev_hash="9f" * 32,
    )
)

EXAMPLES: Mapping[type[Envelope], tuple[Envelope, ...]] = MappingProxyType(
    {
        Reading: (
            Reading(
                source="noise-gateway",
                kind="noise.laeq",
                subject="noise-0007",
                event_time_ms=_AT_MS,
                value=68.4,
                unit="dB(A)",
            ),
            Reading(
                source="gauge-net",
                kind="water.level",
                subject="gauge-03",
                event_time_ms=_AT_MS,
                datum=Datum.CGCS2000,
                value=312.0,
                unit="cm",
                lon_deg=_LON_DEG,
                lat_deg=_LAT_DEG,
            ),
        ),
        Position: (
            Position(
                source="coast-radio",
                kind="vessel.position",
                subject="412345678",
                event_time_ms=_AT_MS,
                datum=Datum.WGS84,
                lon_deg=120.6512,
                lat_deg=27.4907,
                sog_kn=6.2,
                cog_deg=131.5,
                heading_deg=129.0,
                nav_status=7,
                msg_type=18,
                station="aojiang-1",
            ),
        ),
        Detection: (
            Detection(
                source="camera-hub",
                kind="stall.outside",
                subject="cam-0412",
                event_time_ms=_AT_MS,
                datum=Datum.WGS84,
                confidence=0.87,
                count=3,
                snapshot="snapshots/cam-0412/20260501T123000.jpg",
                lon_deg=_LON_DEG,
                lat_deg=_LAT_DEG,
            ),
        ),
        Complaint: (
            Complaint(
                source="hotline",
                kind="complaint.noise",
                subject="12345-2026-0501-0031",
                event_time_ms=_AT_MS,
                channel=Channel.HOTLINE_12345,
                category="noise",
                text="Loud music on the square again.",
                place="Xiasha Square",
                place_confidence=0.6,
            ),
        ),
        Alert: (
            Alert(
                source="citybrain",
                kind="noise.exceeded",
                subject="noise-0007",
                event_time_ms=_AT_MS,
                id=uuid5("example", "message"),
                alert_id=_ALERT_ID,
                rule="noise",
                transition=Transition.ONSET,
                severity=Severity.MINOR,
                onset_time_ms=_AT_MS,
                area="xiasha-square",
                rung=1,
                value=68.4,
                limit=55.0,
                unit="dB(A)",
                reason="above-limit",
                sentence=_SENTENCE,
            ),
        ),
        Incident: (
            Incident(
                source="citybrain",
                kind="noise.exceeded",
                subject="noise-0007",
                event_time_ms=_AT_MS,
                incident_id=_INCIDENT_ID,
                rule="noise",
                state=IncidentState.OPEN,
                change=IncidentChange.OPENED,
                severity=Severity.MINOR,
                revision=0,
                opened_time_ms=_AT_MS,
                created_time_ms=_AT_MS + 800,
                first_seen_time_ms=_AT_MS,
                last_seen_time_ms=_AT_MS,
                alert_count=1,
                alert_ids=(_ALERT_ID,),
                area="xiasha-square",
                sentence=_SENTENCE,
                links=(
                    Link(
                        alert_id=uuid5("example", "complaint"),
                        kind="complaint.noise",
                        sense="caller",
                        distance_m=41.0,
                        gap_s=65.0,
                        why="noise",
                    ),
                ),
                senses=("sensor", "caller"),
                confidence=0.9,
            ),
        ),
        IncidentCommand: (
            IncidentCommand(
                source="screens",
                kind="incident.command",
                subject="LG",
                event_time_ms=_AT_MS,
                id=uuid5("example", "silence"),
                action=IncidentAction.SILENCE,
                by="operator-07",
                role="operator",
                reason="Licensed concert until ten.",
                area="xiasha-square",
                kinds=("noise.*",),
                until_time_ms=_AT_MS + 7_200_000,
            ),
        ),
        DispatchOrder: (
            DispatchOrder(
                source="citybrain",
                kind="dispatch.order",
                subject="noise-0007",
                event_time_ms=_AT_MS + 900,
                order_id=_ORDER_ID,
                case_id=_CASE_ID,
                incident_id=_INCIDENT_ID,
                incident_kind="noise.exceeded",
                unit="LG-01-003",
                level="grid",
                state=CaseState.DISPATCHED,
                change=OrderChange.ISSUED,
                created_time_ms=_AT_MS + 800,
                respond_by_time_ms=_AT_MS + 60_800,
                sentence=_SENTENCE,
            ),
        ),
        DispatchUpdate: (
            DispatchUpdate(
                source="field-app",
                kind="dispatch.update",
                subject=_CASE_ID,
                event_time_ms=_AT_MS + 40_000,
                action=FieldAction.ACCEPT,
                by="worker-031",
                order_id=_ORDER_ID,
            ),
        ),
        Reminder: (
            Reminder(
                source="citybrain",
                kind="reminder.play",
                subject="speaker-02",
                event_time_ms=_AT_MS + 900,
                reminder_id=uuid5("example", "reminder"),
                incident_id=_INCIDENT_ID,
                venue="xiasha-square",
                text_id="quiet-please",
                text="Please turn the music down.",
            ),
        ),
        Heard: (
            Heard(
                source="camera-hub",
                kind="feed.heard",
                subject="camera.detections/2",
                event_time_ms=_AT_MS,
                ingest_time_ms=_AT_MS + 700,
                count=118,
                devices=("cam-0412", "cam-0413"),
                ago_ms=(0, 4_200),
            ),
        ),
        DeviceStatus: (
            DeviceStatus(
                source="citybrain.devices",
                kind="device.status",
                subject="cam-0412",
                event_time_ms=_AT_MS,
                device_class="camera",
                state=DeviceState.OFFLINE,
                reason="silent",
                last_seen_time_ms=_AT_MS - 600_000,
                time_out_s=600,
                lon_deg=_LON_DEG,
                lat_deg=_LAT_DEG,
            ),
        ),
        UnitStatus: (
            UnitStatus(
                source="citybrain.dispatch",
                kind="unit.status",
                subject="LG-fire-2",
                event_time_ms=_AT_MS,
                state=UnitState.BUSY,
                orders=1,
                seen_time_ms=_AT_MS - 20_000,
                lon_deg=_LON_DEG,
                lat_deg=_LAT_DEG,
            ),
        ),
        CaseCommand: (
            CaseCommand(
                source="field-app",
                kind="case.command",
                subject=_CASE_ID,
                event_time_ms=_AT_MS + 40_000,
                id=_COMMAND_ID,
                action=CaseAction.ACCEPT,
                by="worker-031",
                unit="LG-01-003",
                order_id=_ORDER_ID,
                at_lon_deg=_LON_DEG,
                at_lat_deg=_LAT_DEG,
            ),
        ),
        CommandReply: (
            CommandReply(
                source="citybrain.dispatch",
                kind="command.reply",
                subject=_CASE_ID,
                event_time_ms=_AT_MS + 40_000,
                id=uuid5("reply", _COMMAND_ID),
                command_id=_COMMAND_ID,
                action=CaseAction.CLOSE,
                accepted=False,
                reason="illegal-move",
                hint="close while dispatched; possible: accept, return, false-alarm",
                case_id=_CASE_ID,
            ),
        ),
        CaseEvent: (_EVENT,),
        CaseRecord: (
            CaseRecord(
                source="citybrain.dispatch",
                kind="case",
                subject="noise-0007",
                event_time_ms=_AT_MS + 40_000,
                id=uuid5(_CASE_ID, "record", 3),
                case_id=_CASE_ID,
                incident_id=_INCIDENT_ID,
                incident_kind="noise.exceeded",
                state=CaseState.ACCEPTED,
                stage=CaseStage.HANDLE,
                revision=3,
                events=3,
                last_hash=_EVENT.hash,
                opened_time_ms=_AT_MS,
                created_time_ms=_AT_MS + 800,
                unit="LG-01-003",
                level="grid",
                orders=(
                    CaseOrder(
                        order_id=_ORDER_ID,
                        unit="LG-01-003",
                        unit_name="grid 3",
                        level="grid",
                        state=CaseState.ACCEPTED,
                    ),
                ),
                clocks=(
                    CaseClock(
                        clock=Clock.RESPOND,
                        started_time_ms=_AT_MS + 800,
                        deadline_time_ms=_AT_MS + 60_800,
                        stopped_time_ms=_AT_MS + 40_000,
                    ),
                ),
                machine_ms=900,
                queue_ms=39_100,
                sentence=_SENTENCE,
            ),
        ),
        Kpi: (
            Kpi(
                source="citybrain.kpi",
                kind="kpi",
                subject="LG-01-003",
                event_time_ms=_AT_MS + 3_600_000,
                level="grid",
                period="2026-05",
                cases=40,
                ended=36,
                ended_at_community=35,
                share_at_community=0.9722,
                clocks=(ClockScore("respond", 40, 39),),
                returns=1,
            ),
        ),
        DeadLetter: (
            DeadLetter(
                source="citybrain.validate",
                kind="deadletter",
                subject="sensor.readings",
                event_time_ms=_AT_MS,
                id=uuid5("example", "dead letter"),
                topic="sensor.readings",
                partition=2,
                offset=88_123,
                stage=Stage.VALIDATE,
                reason=Reason.UNKNOWN_UNIT,
                field="unit",
                hint="noise.laeq takes dB(A), not 'dB'",
                value="eyJzb3VyY2UiOiJub2lzZS1nYXRld2F5In0=",
            ),
        ),
    }
)
