"""A file is told offline what a door would answer."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from deploy.cities import load_city
from deploy.cli import cli
from feeds.intake.conformance import Told, verdicts_on
from schemas.examples import EXAMPLES
from schemas.wire import to_wire
from streams.city.model import City
from streams.doors.sender import Sender
from streams.doors.sorting import RECORDS

AT = "2026-05-01T12:30:00Z"
NOW_MS = 1_777_638_600_000
NOISE = Sender("conform", ("noise",))
GOOD = {
    "source": "noise",
    "kind": "noise.laeq",
    "subject": "m-1",
    "event_time": AT,
    "value": 61.5,
    "unit": "dB(A)",
}
SENTENCE = b"!AIVDM,1,1,,A,13u?etPv2;0n:dDPwUM1U1Cb069D,0*24"
HALF = b"!AIVDM,2,1,3,B,55P5TL01VIaAL@7WKO@mBplU@<PDhh000000001S;AJ::4A80?4i@E53,0*3E"


@pytest.fixture(scope="module")
def city() -> City:
    return load_city()


def codes(told: list[Told]) -> list[tuple[int, str]]:
    return [(one.number, one.verdict.code or str(one.verdict.outcome)) for one in told]


def test_each_item_has_the_verdict_of_the_door_repetitions_too(city: City) -> None:
    items = [GOOD, GOOD | {"event_time": "2026-05-01T12:30:00"}, GOOD, GOOD | {"value": 9}]

    told = list(verdicts_on(json.dumps(items).encode(), "reading", NOISE, city, NOW_MS))

    assert codes(told) == [(0, "accepted"), (1, "naive-time"), (2, "duplicate"), (3, "conflict")]


def test_more_items_than_a_request_holds_are_judged_all_the_same(city: City) -> None:
    lines = b"\n".join(json.dumps(GOOD | {"id": str(n % 1500)}).encode() for n in range(2001))

    told = list(verdicts_on(lines, "reading", NOISE, city, NOW_MS, lines=True))

    assert len(told) == 2001
    assert codes(told)[1499:1501] == [(1499, "accepted"), (1500, "duplicate")]


def test_sentences_are_judged_as_the_decoder_reads_them(city: City) -> None:
    log = b"\r\n".join((SENTENCE, b"nonsense", SENTENCE[:-2] + b"25", HALF))

    told = list(verdicts_on(log, "nmea", NOISE, city, NOW_MS))

    assert codes(told) == [(0, "accepted"), (1, "not-nmea"), (2, "checksum"), (3, "incomplete")]
    assert "1 of 2 sentences" in told[3].verdict.hint


@pytest.mark.parametrize("name", RECORDS)
def test_the_contracts_own_examples_have_the_shape_that_a_door_takes(name: str, city: City) -> None:
    examples = [to_wire(one) for one in EXAMPLES[RECORDS[name]]]
    everyone = Sender("conform", ("*",))

    told = list(verdicts_on(json.dumps(examples).encode(), name, everyone, city, NOW_MS))

    # Their sources are made up: that is the only thing a door of this city minds.
    assert {one.verdict.code for one in told} <= {"", "unknown-source", "datum-unsupported"}


def test_the_command_names_what_is_refused_and_exits_with_one(tmp_path: Path) -> None:
    file = tmp_path / "sample.jsonl"
    file.write_text(f"{json.dumps(GOOD)}\n\n{json.dumps(GOOD | {'unit': 'm'})}\n")
    asked = ["conform", str(file), "--as", "reading", "--at", AT]

    outcome = CliRunner().invoke(cli, [*asked, "--source", "noise"])
    foreign = CliRunner().invoke(cli, [*asked, "--source", "iot", "--json"])

    assert outcome.exit_code == 1
    assert "line 3: rejected unknown-unit unit: noise.laeq takes dB(A)" in outcome.output
    assert "1 accepted, 0 duplicate, 1 rejected" in outcome.output
    assert json.loads(foreign.output.splitlines()[0])["code"] == "foreign-source"
    file.write_text(json.dumps(GOOD))
    assert CliRunner().invoke(cli, asked).exit_code == 0
    assert CliRunner().invoke(cli, [*asked[:-1], "yesterday"]).exit_code == 2
