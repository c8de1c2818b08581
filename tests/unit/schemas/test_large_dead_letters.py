"""A dead letter can always be sent: what came large by compression is cut, and says so."""

import base64

import numpy as np
import pytest

from schemas.codec import dead_letter, encode, revive
from schemas.items import MAX_VALUE_BYTES
from schemas.records import RawBatch, Reason, Reject, Stage
from schemas.topics import DEADLETTER, TOPICS, topic_config

REJECT = Reject(0, Stage.DECODE, Reason.TOO_LARGE, "", "too large")


def letter_of(key=b"k", value=b"v", headers=()):
    raw = RawBatch("t", 0, np.array([7]), np.array([1_000]), [key], [value], [headers])
    return dead_letter(raw, REJECT, 2_000)


def test_a_record_of_the_largest_size_is_kept_whole() -> None:
    value = b"x" * MAX_VALUE_BYTES

    letter = letter_of(value=value, headers=[("trace", b"t")])

    assert revive(letter) == ("t", b"k", value, [("trace", b"t")])
    assert letter.hint == "too large"


@pytest.mark.parametrize(
    ("record", "cut"),
    [
        ({"value": b"x" * 30_000_000}, "value of 30000000 bytes cut"),
        ({"key": b"x" * 30_000_000}, "key of 30000000 bytes cut"),
        ({"headers": [("h", b"x" * 30_000_000)]}, "headers left out"),
    ],
    ids=["value", "key", "headers"],
)
def test_what_is_larger_than_any_record_is_cut_and_said(record, cut) -> None:
    letter = letter_of(**record)

    assert letter.hint == f"too large; {cut}"
    assert len(encode(letter)) < int(topic_config(TOPICS[DEADLETTER])["max.message.bytes"])


def test_everything_at_its_largest_still_fits_the_topic() -> None:
    large = b"x" * 3_000_000

    letter = letter_of(key=large, value=large, headers=[("h", b"x" * 65_000)])

    assert len(encode(letter)) < int(topic_config(TOPICS[DEADLETTER])["max.message.bytes"])


def test_a_value_that_was_cut_is_refused_again_when_it_is_sent_again() -> None:
    letter = letter_of(value=b"x" * 30_000_000)

    assert letter.value is not None
    assert len(base64.b64decode(letter.value)) > MAX_VALUE_BYTES
