"""`citybrain rollcall` on a real Kafka: positions in, who is missing out."""

import asyncio
import json
import time

import pytest
from click.testing import CliRunner, Result

from deploy import topic_reader, topics_admin
from deploy.cities import load_city
from deploy.cli import cli
from schemas.codec import encode
from schemas.commands import CommandReply
from schemas.incidents import IncidentAction, IncidentCommand
from schemas.positions import Position
from schemas.topics import INCIDENT_COMMANDS, INCIDENT_REPLIES, TOPICS, VESSEL_POSITIONS

pytestmark = pytest.mark.kafka

SEA = (121.6, 26.7)


def test_the_newest_fix_of_a_boat_says_whether_it_is_in_harbour(broker: str, prefix: str) -> None:
    city = load_city()
    now_ms = time.time_ns() // 1_000_000
    index = city.fences.index_of("bacao")
    assert index is not None
    centre = city.fences.fences[index].geometry.representative_point()
    home, away = [name for name in city.vessels if name.startswith("bd:")][:2]

    def fix(subject: str, place: tuple[float, float], ago_ms: int) -> Position:
        return Position(
            source="beidou", kind="vessel.position", subject=subject,
            event_time_ms=now_ms - ago_ms, lon_deg=place[0], lat_deg=place[1],
        )  # fmt: skip

    heard = [fix(home, SEA, 60_000), fix(home, (centre.x, centre.y), 1_000), fix(away, SEA, 5_000)]

    code = city.vessels[away].code
    skipper = IncidentCommand(
        source="desk", kind="incident.command", subject="longgang", event_time_ms=now_ms - 60_000,
        id="call-1", action=IncidentAction.ROLL_CALL, by="coast-1", reason="off Nanji",
        subjects=(code,), answered=True, until_time_ms=now_ms + 7_200_000,
    )  # fmt: skip
    noted = CommandReply(
        source="citybrain.incidents", kind="incident.reply", subject="longgang",
        event_time_ms=now_ms, command_id="call-1", action="roll-call", accepted=True,
    )  # fmt: skip

    async def publish() -> None:
        async with topic_reader.producer(broker) as producer:
            for one in heard:
                key = one.subject.encode()
                await producer.send_and_wait(prefix + VESSEL_POSITIONS, encode(one), key=key)
            for topic, said in ((INCIDENT_COMMANDS, skipper), (INCIDENT_REPLIES, noted)):
                await producer.send_and_wait(prefix + topic, encode(said), key=b"longgang")
            await producer.send_and_wait(prefix + INCIDENT_COMMANDS, b"broken", key=b"longgang")

    topics_admin.apply(broker, topics_admin.prefixed(TOPICS, prefix), {})
    asyncio.run(publish())

    def called(*words: str) -> Result:
        place = ["--broker", broker, "--prefix", prefix]
        return CliRunner().invoke(cli, ["rollcall", *place, *words])

    said = called("--json")
    assert said.exit_code == 1, said.output
    boats = {one["code"]: one for one in map(json.loads, said.output.splitlines())}
    assert len(boats) == len({boat.code for boat in city.vessels.values()})
    at_home, at_sea = boats[city.vessels[home].code], boats[city.vessels[away].code]
    assert (at_home["whereabouts"], at_home["harbour"]) == ("in-harbour", "bacao")
    assert (at_sea["whereabouts"], at_sea["band"]) == ("at-sea", "26.5-27.0N")
    assert at_home["called"] is None
    assert (at_sea["called"]["answered"], at_sea["called"]["words"]) == (True, "off Nanji")

    lines = called("--hours", "0.5").output.splitlines()
    assert any("1 called, 1 answered, 1 promised to come" in line for line in lines), lines
    (boat,) = [line for line in lines if line.split()[0] == code]
    assert "by coast-1: arrives in 1 h 5" in boat
    assert boat.endswith("off Nanji")
    assert any(line.split() == ["26.5-27.0N", "1", "0", "0"] for line in lines)
