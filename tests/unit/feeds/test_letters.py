"""Dead letters of the doors that cannot answer."""

from base64 import b64decode

from deploy.deadletters import originals, resend
from feeds.letters import NOT_ON_KAFKA, letter, refusal_of
from schemas.codec import decode
from schemas.deadletter import DeadLetter
from schemas.items import MAX_VALUE_BYTES
from schemas.records import Reason, Stage
from schemas.refused import Refusal
from streams.doors.verdict import Code

REFUSAL = Refusal(Reason.UNKNOWN_UNIT, "unit", "noise.laeq takes dB(A)")
EVENT = b'{"subject": "n-1", "unit": "furlong"}'


def written(value=EVENT, came_by="mqtt://h/city/noise/n-1/reading", now_ms=1000):
    record = letter("sensor.readings", value, REFUSAL, came_by, now_ms)
    assert (record.topic, record.key) == ("deadletter", b"sensor.readings")
    return decode(DeadLetter, record.value)


def test_a_letter_says_where_it_came_in_and_why_and_holds_all_of_it():
    told = written()

    assert (told.stage, told.reason, told.field) == (Stage.DOOR, Reason.UNKNOWN_UNIT, "unit")
    assert told.hint == "noise.laeq takes dB(A); it came by mqtt://h/city/noise/n-1/reading"
    assert (told.partition, told.offset) == (NOT_ON_KAFKA, NOT_ON_KAFKA)
    assert b64decode(told.value) == EVENT


def test_it_is_sent_again_under_its_device_to_the_topic_it_was_meant_for():
    again = resend(written())

    assert (again.topic, again.key, again.value) == ("sensor.readings", b"n-1", EVENT)
    assert resend(written(b"\xff")).key is None


def test_a_message_that_comes_twice_is_one_letter_and_two_messages_are_two_records():
    once, again, other = written(), written(now_ms=2000), written(b"{}")

    assert once.id == again.id != other.id
    assert originals([once, other]) == [once, other]


def test_what_is_too_large_is_cut_and_says_so():
    told = written(b"x" * (MAX_VALUE_BYTES + 5))

    assert len(b64decode(told.value)) == MAX_VALUE_BYTES
    assert f"value of {MAX_VALUE_BYTES + 5} bytes cut" in told.hint


def test_what_only_doors_say_is_named_in_the_hint():
    assert refusal_of("unknown-unit", "unit", "say dB(A)").reason is Reason.UNKNOWN_UNIT
    door = refusal_of(Code.FOREIGN_DEVICE, "subject", "it is another's")
    assert door == Refusal(Reason.REFUSED_AT_DOOR, "subject", "foreign-device: it is another's")
