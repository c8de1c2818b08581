"""The feed page: what it counts, and that nothing from outside is markup there."""

import msgspec
import pytest

from deploy.cities import load_city
from deploy.intake import lateness_ms
from feeds.intake.http import page
from feeds.intake.ledger import KEPT_REFUSALS, MOST_DEVICES, UNKNOWN, Ledger
from feeds.intake.metrics import IntakeMetrics
from streams.city.model import City
from streams.doors.judging import Taken
from streams.doors.verdict import DUPLICATE, Code, Outcome, Verdict, rejected

NOW_MS = 1_777_638_600_000


@pytest.fixture(scope="module")
def city() -> City:
    return load_city()


@pytest.fixture
def ledger(city: City) -> Ledger:
    return Ledger(lateness_ms(city), IntakeMetrics(), NOW_MS)


def taken(subject: str, age_s: float) -> Taken:
    at_ms = NOW_MS - round(age_s * 1000)
    return Taken(0, "t", b"k", b"{}", "noise", "noise.laeq", subject, at_ms, "")


def test_it_says_what_was_taken_late_refused_and_missing(city: City, ledger: Ledger) -> None:
    known = [code for code, one in city.sensors.items() if one.source == "noise"]
    ledger.accept([taken(known[0], 1), taken(known[1], 700), taken("other", -40)], NOW_MS)
    warning = Verdict(Outcome.ACCEPTED, Code.POSITION_SUSPECT)
    verdicts = [rejected("future", "event_time", "mend it"), DUPLICATE, warning]
    ledger.settle(verdicts, ["noise"] * 3, [b'{"a":1}', b"", b""], NOW_MS)

    feed = page.feed_of("noise", city, ledger, NOW_MS + 1000)

    assert (feed.accepted, feed.duplicates, feed.late) == (3, 1, 1)
    assert (feed.refused, feed.warned) == ({"future": 1}, {"position-suspect": 1})
    assert (feed.expected, feed.heard) == (len(known), 2)
    assert known[2] in feed.missing
    assert known[0] not in feed.missing
    assert [(one.device, one.median_s) for one in feed.skewed] == [("other", 40.0)]
    assert (feed.refusals[0].hint, feed.refusals[0].excerpt) == ("mend it", '{"a":1}')


def test_a_device_that_is_heard_is_not_missing_however_many_strangers_there_are(
    city: City, ledger: Ledger
) -> None:
    known = next(code for code, one in city.sensors.items() if one.source == "noise")
    for round_of in range(6):
        strangers = [taken(f"stranger-{round_of}-{number}", 1) for number in range(10_000)]
        ledger.accept([*strangers, taken(known, 1)], NOW_MS)

    assert known not in page.feed_of("noise", city, ledger, NOW_MS).missing
    assert len(ledger.account("noise").heard) == MOST_DEVICES


def test_the_last_hundred_refusals_are_kept_and_all_are_counted(city: City, ledger: Ledger) -> None:
    for number in range(KEPT_REFUSALS + 20):
        ledger.refuse("noise", rejected("not-json", hint=f"n{number}"), b"{", NOW_MS)
    feed = page.feed_of("noise", city, ledger, NOW_MS)

    assert feed.refused == {"not-json": KEPT_REFUSALS + 20}
    assert len(feed.refusals) == KEPT_REFUSALS
    assert feed.refusals[0].hint == f"n{KEPT_REFUSALS + 19}"


def test_what_names_no_source_is_counted_under_one_name(ledger: Ledger) -> None:
    for name in ("nobody", "", "x" * 9):
        ledger.refuse(name, rejected("unknown-source"), b"{}", NOW_MS)

    assert ledger.account(UNKNOWN).refused == {"unknown-source": 3}
    assert ledger.label("nobody") == UNKNOWN


def test_nothing_from_outside_is_markup_on_the_page(city: City, ledger: Ledger) -> None:
    evil = '<script>alert(1)</script>"&'
    ledger.refuse("noise", rejected(evil, evil, evil), evil.encode(), NOW_MS)
    ledger.accept([taken(evil, -99)], NOW_MS)

    text = page.html(page.feed_of("noise", city, ledger, NOW_MS))

    assert "<script" not in text
    assert text.count("&lt;script&gt;") == 6
    assert "script-src" not in page.HEADERS["Content-Security-Policy"]
    assert "default-src 'none'" in page.HEADERS["Content-Security-Policy"]


def test_the_twin_is_plain_json(city: City, ledger: Ledger) -> None:
    feed = page.feed_of("ais", city, ledger, NOW_MS)

    told = msgspec.json.decode(msgspec.json.encode(feed))
    assert told["source"] == "ais"
    assert told["expected"] == len(city.vessels)
