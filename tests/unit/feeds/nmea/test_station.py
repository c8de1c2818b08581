"""What a connection says, as records: all of it, up to where it is no NMEA any more."""

from feeds.nmea.station import MOST_STRANGE_LINES, Connection
from streams.vessels.nmea import CONNECTION_BEGINS

FIX = b"!AIVDM,1,1,,A,13u?etPv2;0n:dDPwUM1U1Cb069D,0*24"
STRANGE = b"GET / HTTP/1.1"


def test_sentences_before_what_is_no_nmea_are_handed_on_and_what_follows_is_not_taken():
    connection = Connection("shore")

    records = connection.take(b"\r\n".join([FIX, FIX, *[STRANGE] * 500, FIX, b""]))

    assert connection.is_strange
    begin = CONNECTION_BEGINS + b"\r\n"
    told = [begin + FIX, FIX, *[STRANGE] * MOST_STRANGE_LINES]
    assert [record.value for record in records] == told
    assert connection.take(FIX + b"\r\n") == []
    assert connection.rest() == []


def test_a_hundred_strange_lines_with_a_sentence_among_them_are_still_nmea():
    connection = Connection("shore")
    half = [STRANGE] * MOST_STRANGE_LINES

    records = connection.take(b"\r\n".join([*half, FIX, *half, b""]))

    assert not connection.is_strange
    assert len(records) == 2 * MOST_STRANGE_LINES + 1
