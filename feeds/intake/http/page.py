"""The feed page of a source: what was taken, what was refused and why, what is missing."""

from base64 import b64encode
from collections.abc import Iterable, Mapping
from hashlib import sha256
from html import escape
from typing import Any, Final

import msgspec

from feeds.intake.ledger import Ledger
from schemas.instants import format_instant
from streams.city.model import City, SourceClass
from streams.doors.clock_guard import FLAGGED_S

_WORST: Final = 10
_MISSING: Final = 50
_HEARD_MS: Final = 3_600_000


class Skew(msgspec.Struct):
    """A device whose clock is ahead: median of its latest events, in seconds."""

    device: str
    median_s: float
    of: int


class Refused(msgspec.Struct):
    """One refused event."""

    at: str
    code: str
    field: str
    hint: str
    excerpt: str


class Feed(msgspec.Struct):
    """All that the page says; its JSON twin is this, as it stands.

    Attributes:
        source, datum: As declared.
        since: When this door began to count.
        accepted, duplicates, late: Events.
        refused, warned: Events by code.
        last_accepted: None until there is one.
        skewed: Devices whose median is over `FLAGGED_S` ahead, worst first.
        expected, heard: Devices of the register, and how many of them were heard
            within the hour; `missing` names some that were not.
        refusals: The last ones, newest first.
    """

    source: str
    datum: str
    since: str
    now: str
    accepted: int
    duplicates: int
    late: int
    refused: dict[str, int]
    warned: dict[str, int]
    last_accepted: str | None
    skewed: list[Skew]
    expected: int
    heard: int
    missing: list[str]
    refusals: list[Refused]


def feed_of(source: str, city: City, ledger: Ledger, now_ms: int) -> Feed:
    """Return what is known of a declared source."""
    account = ledger.account(source)
    expected = sorted(_expected(source, city))
    heard = {code for code, at_ms in account.heard.items() if now_ms - at_ms <= _HEARD_MS}
    missing = [code for code in expected if code not in heard]
    return Feed(
        source=source,
        datum=str(city.sources[source].datum),
        since=format_instant(ledger.since_ms),
        now=format_instant(now_ms),
        accepted=account.accepted,
        duplicates=account.duplicates,
        late=account.late,
        refused=dict(account.refused.most_common()),
        warned=dict(account.warned.most_common()),
        last_accepted=None if account.last_ms is None else format_instant(account.last_ms),
        skewed=[
            Skew(one.subject, round(one.median_s, 1), one.of)
            for one in account.skews.worst(_WORST)
            if one.median_s > FLAGGED_S
        ],
        expected=len(expected),
        heard=len(expected) - len(missing),
        missing=missing[:_MISSING],
        refusals=[
            Refused(format_instant(one.at_ms), one.code, one.field, one.hint, one.excerpt)
            for one in reversed(account.refusals)
        ],
    )


def _expected(source: str, city: City) -> Iterable[str]:
    """Return the devices that the city's registers expect of a source."""
    if city.sources[source].source_class is SourceClass.VESSEL:
        return city.vessels.keys()  # any of them may be heard by any receiver
    return [
        code
        for register in (city.sensors, city.cameras)
        for code, one in register.items()
        if one.source == source
    ]


_STYLE: Final = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;"
    "color:#1b1f24}table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}"
    "th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #d0d7de;vertical-align:top}"
    "code{font:13px ui-monospace,monospace;overflow-wrap:anywhere}h2{margin:1.5rem 0 .3rem}"
)
_STYLE_HASH: Final = b64encode(sha256(_STYLE.encode()).digest()).decode()

HEADERS: Final[Mapping[str, str]] = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; frame-ancestors 'none'; "
        "base-uri 'none'; form-action 'none'"
    ),
    "Referrer-Policy": "no-referrer",
}
"""Of the page: nothing but its own style is let in."""


def html(feed: Feed) -> str:
    """Return the page; every word of it that came from outside is escaped."""
    name = escape(feed.source)
    facts = {
        "Accepted": feed.accepted,
        "Duplicates": feed.duplicates,
        "Refused": sum(feed.refused.values()),
        "Too late for the rules": feed.late,
        "Last accepted": feed.last_accepted or "nothing yet",
        "Devices heard in the last hour": f"{feed.heard} of {feed.expected} in the register",
        "Datum": feed.datum,
        "Counted since": feed.since,
    }
    parts = [
        f"<h1>Feed {name}</h1>",
        _table((), facts.items()),
        "<h2>Refused and warned, by reason</h2>",
        _table(
            ("reason", "events"),
            [*feed.refused.items(), *((f"{code} (taken)", n) for code, n in feed.warned.items())],
        ),
        "<h2>Clocks ahead</h2>",
        _table(
            ("device", "seconds ahead (median)", "of so many events"),
            [(one.device, one.median_s, one.of) for one in feed.skewed],
        ),
        "<h2>Registered, and not heard in the last hour</h2>",
        f"<p><code>{escape(', '.join(feed.missing)) or 'none'}</code></p>",
        "<h2>Last refusals</h2>",
        _table(
            ("at", "reason", "field", "hint", "what was sent"),
            [(one.at, one.code, one.field, one.hint, one.excerpt) for one in feed.refusals],
        ),
    ]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Feed {name}</title>'
        f"<style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>"
    )


def _table(head: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    lines = ["<tr>" + "".join(f"<th>{escape(word)}</th>" for word in head) + "</tr>"]
    lines += [
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows
    ]
    return f"<table>{''.join(lines)}</table>" if len(lines) > 1 else "<p>none</p>"
