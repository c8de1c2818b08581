"""Lines to positions, one partition: parts that wait survive batches and restarts."""

import pyais
import pytest

from schemas.positions import Position
from schemas.records import Reason, Stage
from schemas.topics import VESSEL_NMEA, VESSEL_POSITIONS
from streams.operator import NOTHING
from streams.operators.nmea import SOURCE, NmeaOperator


def sentences(**message: object) -> list[bytes]:
    return [text.encode() for text in pyais.encode_dict(message, sentence_type="VDM")]


FIX = sentences(type=1, mmsi=412420001, lon=121.0, lat=27.0, speed=5.0, course=90.0, status=0)
STATIC = sentences(type=5, mmsi=412420002, shipname="ZHECANGYU 00019", callsign="BABC")


@pytest.fixture
def log(kit):
    return kit.log(VESSEL_NMEA)


def positions(kit, outcome):
    return kit.sent(outcome, VESSEL_POSITIONS, Position)


def test_a_position_goes_under_its_vessels_key_as_one_feed(kit, log) -> None:
    outcome = NmeaOperator("longgang").take(log.batch(*FIX), kit.t0_ms)

    (send,) = outcome.sends
    assert (send.topic, send.key) == (VESSEL_POSITIONS, b"412420001")
    (fix,) = positions(kit, outcome)
    assert (fix.source, fix.sog_kn) == (SOURCE, 5.0)
    assert (outcome.read, outcome.used) == (1, 1)


def test_a_message_split_over_two_batches_is_joined(kit, log) -> None:
    operator = NmeaOperator("longgang")

    first = operator.take(log.batch(*FIX, STATIC[0]), kit.t0_ms)
    second = operator.take(log.batch(STATIC[1]), kit.t0_ms)

    assert [one.subject for one in positions(kit, first)] == ["412420001"]
    assert [one.name for one in positions(kit, second)] == ["ZHECANGYU 00019"]


def test_a_message_split_by_a_restart_is_joined(kit, log) -> None:
    first, kept = NmeaOperator("longgang"), kit.kept()
    batch = log.batch(STATIC[0])
    first.take(batch, kit.t0_ms)
    kept.put(first.changes())

    begun = kept.begin(NmeaOperator("longgang"))

    assert begun.take(batch, kit.t0_ms).sends == []
    (joined,) = positions(kit, begun.take(log.batch(STATIC[1]), kit.t0_ms))
    assert joined.name == "ZHECANGYU 00019"


def test_lines_that_come_again_give_nothing_again(kit, log) -> None:
    operator = NmeaOperator("longgang")
    batch = log.batch(*FIX, *STATIC, FIX[0][:-1] + b"!")
    assert len(operator.take(batch, kit.t0_ms).sends) == 3

    again = operator.take(batch, kit.t0_ms)

    assert (again.sends, again.used, again.refused) == ([], 0, {})
    assert again.set_aside["redelivered"] == len(batch.values)


def test_a_broken_line_is_a_dead_letter(kit, log) -> None:
    broken = FIX[0].replace(b"41242", b"00000").replace(b"A,", b"B,", 1)[:-2] + b"00"

    outcome = NmeaOperator("longgang").take(log.batch(broken, None), kit.t0_ms)

    told = [(letter.stage, letter.reason) for letter in kit.letters(outcome)]
    assert told == [(Stage.DECODE, Reason.CHECKSUM), (Stage.DECODE, Reason.TOMBSTONE)]


def test_nothing_is_due_by_time_and_nothing_new_is_not_remembered(kit, log) -> None:
    operator = NmeaOperator("longgang")
    operator.take(log.batch(*FIX), kit.t0_ms)

    assert operator.wake(kit.t0_ms + 10**9, caught_up=True) == NOTHING
    assert (operator.next_due_ms(), operator.watermark_ms()) == (None, None)
    assert len(operator.changes()) == 1
    assert operator.changes() == []
