"""`tail`, `deadletter list` and `deadletter replay` on a real Kafka."""

import asyncio
from collections.abc import Sequence

import numpy as np
import orjson
import pytest
from aiokafka import ConsumerRecord
from click.testing import CliRunner, Result

from deploy import topic_reader, topics_admin
from deploy.cli import cli
from schemas import codec
from schemas.alerts import Alert, Severity, Transition
from schemas.records import RawBatch, Reason, Reject, Stage
from schemas.topics import ALERTS, DEADLETTER, SENSOR_READINGS, TOPICS

pytestmark = pytest.mark.kafka

NOON_MS = 1_742_616_000_000


def an_alert(number: int, severity: Severity) -> bytes:
    return codec.encode(
        Alert(
            source="noise",
            kind="noise.exceeded",
            subject=f"square-{number}",
            event_time_ms=NOON_MS + number * 1000,
            id=f"alert-{number}",
            alert_id=f"alert-{number}",
            rule="noise",
            transition=Transition.ONSET,
            severity=severity,
            onset_time_ms=NOON_MS,
            sentence=f"Square {number} is loud",
        )
    )


def refused(number: int, reason: Reason) -> tuple[bytes, bytes]:
    """Return the raw value, and the dead letter that it became."""
    value = b'{"broken": %d, "raw": "\xff"}' % number
    raw = RawBatch(
        SENSOR_READINGS,
        0,
        np.array([number]),
        np.array([NOON_MS]),
        [b"LG-noise-1"],
        [value],
        [[("trace", b"abc")]],
    )
    reject = Reject(0, Stage.DECODE, reason, "value", "Send JSON.")
    return value, codec.encode(codec.dead_letter(raw, reject, NOON_MS))


@pytest.fixture
def topics(broker: str, prefix: str) -> str:
    """Give the prefix of topics that are there."""
    topics_admin.apply(broker, topics_admin.prefixed(TOPICS, prefix), {})
    return prefix


def publish(broker: str, topic: str, values: Sequence[bytes | None]) -> None:
    async def send() -> None:
        async with topic_reader.producer(broker) as producer:
            for value in values:
                await producer.send_and_wait(topic, value, key=b"longgang")

    asyncio.run(send())


def records_of(broker: str, topic: str) -> list[ConsumerRecord]:
    async def gather() -> list[ConsumerRecord]:
        reader = topic_reader.read(broker, [topic], from_beginning=True, until_end=True)
        return [record async for records in reader for record in records]

    return asyncio.run(gather())


def run(broker: str, prefix: str, *arguments: str) -> Result:
    outcome = CliRunner().invoke(cli, [*arguments, "--broker", broker, "--prefix", prefix])
    assert outcome.exception is None or isinstance(outcome.exception, SystemExit), outcome.output
    return outcome


def test_tail_shows_the_newest_record_of_each_key_and_ends(broker: str, topics: str) -> None:
    async def send() -> None:
        async with topic_reader.producer(broker) as producer:
            for key, number in ((b"a", 1), (b"b", 2), (b"a", 3), (b"c", 4)):
                value = an_alert(number, Severity.MINOR)
                await producer.send_and_wait(topics + ALERTS, value, key=key)
            await producer.send_and_wait(topics + ALERTS, None, key=b"c")

    asyncio.run(send())

    newest = run(broker, topics, "tail", "alerts", "--newest", "--json")
    chosen = run(broker, topics, "tail", "alerts", "--newest", "--where", "subject=square-3")
    older = run(broker, topics, "tail", "alerts", "--newest", "--where", "subject=square-1")
    watched = run(broker, topics, "tail", "alerts", "--newest", "--max", "1")

    subjects = [orjson.loads(line)["value"]["subject"] for line in newest.output.splitlines()]
    assert subjects == ["square-2", "square-3"]
    assert "Square 3 is loud" in chosen.output
    assert (older.exit_code, older.output) == (0, "")
    assert watched.exit_code == 2


def test_tail_shows_chosen_records_as_readable_lines(broker: str, topics: str) -> None:
    severe = [an_alert(2, Severity.SEVERE), an_alert(4, Severity.SEVERE)]
    publish(broker, topics + ALERTS, [an_alert(1, Severity.MINOR), severe[0], None, severe[1]])

    chosen = ["--where", "severity=Severe", "--from-beginning", "--max", "2", "--timeout", "60"]
    shown = run(broker, topics, "tail", ALERTS, *chosen)

    assert shown.exit_code == 0
    lines = shown.output.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("2025-03-22 12:00:02+08:00")
    assert "noise.exceeded" in lines[0]
    assert "Square 2 is loud" in lines[0]


def test_tail_as_json_keeps_nulls_and_what_is_no_json(broker: str, topics: str) -> None:
    publish(broker, topics + ALERTS, [None, b"\xffgarbage", b'{"kind": "x"}'])

    asked = ["--json", "--from-beginning", "--max", "3", "--timeout", "60"]
    shown = run(broker, topics, "tail", ALERTS, *asked)

    told = [orjson.loads(line) for line in shown.output.splitlines()]
    assert [one["offset"] for one in told] == [0, 1, 2]
    assert told[0]["value"] is None
    assert told[1]["value_text"] == "\\xffgarbage"
    assert told[2]["value"] == {"kind": "x"}


def test_tail_ends_with_1_when_too_few_came_in_time(broker: str, topics: str) -> None:
    assert run(broker, topics, "tail", ALERTS, "--max", "1", "--timeout", "0.5").exit_code == 1


def test_tail_of_a_topic_that_is_not_there_names_those_that_are(broker: str, topics: str) -> None:
    outcome = run(broker, topics, "tail", "alert")

    assert outcome.exit_code == 3
    assert f"no topic {topics}alert" in outcome.output
    assert topics + ALERTS in outcome.output


def test_dead_letters_are_listed_with_their_reason_and_counted(broker: str, topics: str) -> None:
    _, broken = refused(7, Reason.NOT_JSON)
    _, late = refused(8, Reason.LATE)
    publish(broker, topics + DEADLETTER, [broken, late, broken, b"not a dead letter"])

    listed = run(broker, topics, "deadletter", "list")
    assert "sensor.readings/0@7  decode: not-json  value  Send JSON." in listed.stdout
    assert listed.stderr.splitlines()[-1].split() == ["2", "in", "all"]

    only_late = run(broker, topics, "deadletter", "list", "--reason", "late", "--json")
    assert [orjson.loads(line)["offset"] for line in only_late.stdout.splitlines()] == [8]


def test_replay_sends_the_original_bytes_again_and_says_where_from(
    broker: str, topics: str
) -> None:
    value, broken = refused(7, Reason.NOT_JSON)
    _, late = refused(8, Reason.LATE)
    publish(broker, topics + DEADLETTER, [broken, late])

    tried = run(broker, topics, "deadletter", "replay", "--reason", "not-json", "--dry-run")
    assert tried.exit_code == 0
    assert "would send" in tried.stdout
    assert records_of(broker, topics + SENSOR_READINGS) == []

    assert (
        run(
            broker, topics, "deadletter", "replay", "--topic", SENSOR_READINGS, "--max", "1"
        ).exit_code
        == 0
    )
    (again,) = records_of(broker, topics + SENSOR_READINGS)
    letter_id = orjson.loads(broken)["id"]
    assert (again.key, again.value) == (b"LG-noise-1", value)
    assert list(again.headers) == [
        ("trace", b"abc"),
        ("citybrain-replayed-from", letter_id.encode()),
    ]


def test_replay_of_everything_by_accident_is_refused(broker: str, topics: str) -> None:
    assert run(broker, topics, "deadletter", "replay").exit_code == 2
    assert run(broker, topics, "deadletter", "replay", "--id", "none").exit_code == 1
