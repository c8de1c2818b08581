"""Lines out of a stream of bytes: any cut gives the same, and garbage costs no memory."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.nmea.groups import Groups
from feeds.nmea.lines import KEPT_OF_TOO_LONG, Lines, may_be_nmea
from streams.vessels.nmea import LINE_LIMIT

ONE = b"!AIVDM,1,1,,A,13u?etPv2;0n:dDPwUM1U1Cb069D,0*24"
TWO = b"!AIVDM,1,1,,B,177KQJ5000G?tO`K>RA1wUbN0TKH,0*5C"


def lines_of(*chunks):
    lines = Lines()
    found = [line for chunk in chunks for line in lines.take(chunk)]
    rest = lines.rest()
    return [*found, *([rest] if rest is not None else [])]


@pytest.mark.parametrize("end", [b"\r\n", b"\n", b"\r", b"\r\n\r\n"])
def test_lines_end_with_any_line_end(end):
    assert lines_of(ONE + end + TWO + end) == [ONE, TWO]


def test_a_line_that_the_end_leaves_open_is_handed_on():
    assert lines_of(ONE + b"\r\n" + TWO[:20]) == [ONE, TWO[:20]]


@given(
    st.lists(st.binary(max_size=LINE_LIMIT).map(lambda raw: raw.translate(None, b"\r\n"))),
    st.lists(st.integers(0, 5000)),
)
def test_any_cut_of_the_stream_gives_the_same_lines(said, cuts):
    stream = b"".join(line + b"\r\n" for line in said)
    at = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    chunks = [stream[begin:end] for begin, end in itertools.pairwise(at)]

    assert lines_of(*chunks) == [line for line in said if line]


@given(st.integers(LINE_LIMIT + 1, 5000), st.lists(st.integers(1, 4999)))
def test_a_line_without_end_is_kept_once_cut_and_the_next_line_is_whole(length, cuts):
    stream = b"x" * length + b"\n" + ONE + b"\n"
    at = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    lines = Lines()
    found = [
        line for begin, end in itertools.pairwise(at) for line in lines.take(stream[begin:end])
    ]

    assert found == [b"x" * KEPT_OF_TOO_LONG, ONE]
    assert lines.passed_over == length - KEPT_OF_TOO_LONG


def test_endless_garbage_keeps_no_memory():
    lines = Lines()
    found = [line for _ in range(1000) for line in lines.take(b"\x00" * 65_536)]

    assert found == [b"\x00" * KEPT_OF_TOO_LONG]
    assert lines.passed_over == 1000 * 65_536 - KEPT_OF_TOO_LONG


def test_a_stamp_and_a_tag_block_stay_with_their_sentence():
    groups = Groups()
    stamp = b"$PGHP,1,2013,11,12,12,0,0,0,219,,2190071,1,59*17"
    tag = rb"\si:AIS*5F\\"[:-1]

    assert [groups.take(line) for line in (stamp, tag, ONE, TWO)] == [
        None,
        None,
        b"\r\n".join([stamp, tag, ONE]),
        TWO,
    ]
    assert groups.rest() is None


def test_stamps_without_a_sentence_do_not_wait_for_ever():
    groups = Groups()
    stamp = b"$PGHP,1,2013,11,12,12,0,0,0,219,,2190071,1,59*17"
    told = [groups.take(stamp) for _ in range(40)]

    assert sum(one is not None for one in told) == 2
    assert groups.rest() == b"\r\n".join([stamp] * 8)


def test_what_holds_no_start_of_a_sentence_is_no_nmea():
    assert may_be_nmea(b"2013-11-12 " + ONE)
    assert may_be_nmea(b"# a comment")
    assert not may_be_nmea(b"GET / HTTP/1.1")
    assert not may_be_nmea(bytes(range(1, 9)))
