"""Distress rule: a SART, MOB or EPIRB that is active, at once and once a device.

`vessel.distress` (life safety, Extreme) is raised by a device of the distress
prefixes 970, 972, 974 that sends navigational status 14 or a text with ACTIVE;
a test (status 15, text TEST) raises nothing. Devices send bursts of eight
messages a minute: all of them are one alert, with one update when the first
place becomes known, until no burst came for `clear_s`.

`vessel.false-distress` (data quality, Minor) is status 14 from any other
identity: a ship with a wrong setting, seen at 17.4 kn in the Danish log.

State, per sender: the open alert and its last active message. An older message
than the newest taken changes nothing.
"""

from collections.abc import Mapping

import msgspec
import numpy as np

from schemas.alerts import Alert, Severity, Transition
from schemas.positions import PositionBatch
from streams.rule import Verdict
from streams.vessels.alerts import Desk, Finding, Said, Setting, in_order
from streams.vessels.register import DISTRESS_DEVICES

NAME = "distress"
DISTRESS, FALSE_DISTRESS = "vessel.distress", "vessel.false-distress"

_ACTIVE_STATUS = 14
_NOT_SAID = -1
_PREFIX = 3


class Params(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters.

    Attributes:
        clear_s: The alert ends when nothing active came for this long; bursts
            come once a minute and satellite passes every hour or so.
    """

    version: str = "1"
    clear_s: int = 3_600


class Call(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is remembered about one sender.

    Attributes:
        as_of_ms: Event time of the newest message taken.
        onset_ms: Of the open alert; None while there is none.
        active_ms: Of the newest active message.
        place: (lon, lat) told so far; None while unknown.
        due_ms: When silence ends the alert.
    """

    as_of_ms: int = -1
    onset_ms: int | None = None
    active_ms: int = 0
    place: tuple[float, float] | None = None
    due_ms: int | None = None


def evaluate(
    batch: PositionBatch, prior: Mapping[str, Call], setting: Setting[Params]
) -> Verdict[Call]:
    """Return whose distress began, got a place, or proved to be none.

    Args:
        batch: All rows, also of what is no vessel; each sender's in event-time order.
        prior: Calls before the batch.
        setting: Parameters and register; fences are not looked at.
    """
    alerts: list[Alert] = []
    changed: dict[str, Call | None] = {}
    for row in _relevant(batch, prior):
        subject, at_ms = batch.subject[row], int(batch.event_time_ms[row])
        last = changed.get(subject) or prior.get(subject) or Call()
        active = _is_active(batch, row)
        if active is None or not _is_news(last, at_ms, active=active):
            continue
        desk = Desk(subject, setting, alerts)
        now = _settled(desk, last, at_ms)
        if now is not last:
            changed[subject] = now
            if not _is_news(now, at_ms, active=active):
                continue
        now = msgspec.structs.replace(now, as_of_ms=at_ms)
        if active:
            now = _active(desk, now, _place(batch, row))
        elif now.onset_ms is not None and not _device(subject):
            now = _ended(desk, now, at_ms, "status-changed")
        if now != last:
            changed[subject] = now
    return Verdict(in_order(alerts), changed)


def close(
    keys: list[str], prior: Mapping[str, Call], watermark_ms: int, setting: Setting[Params]
) -> Verdict[Call]:
    """End the alerts whose senders were silent up to `watermark_ms`."""
    alerts: list[Alert] = []
    changed: dict[str, Call | None] = {}
    for subject in keys:
        last = prior.get(subject)
        if last is not None:
            now = _settled(Desk(subject, setting, alerts), last, watermark_ms)
            if now != last:
                changed[subject] = now
    return Verdict(in_order(alerts), changed)


def _is_news(last: Call, at_ms: int, *, active: bool) -> bool:
    """Return whether a message can change anything.

    An open call takes equals in time, such as a place, but what is no distress ends it
    only when it is newer: the same message delivered again could have come before it.
    """
    if last.onset_ms is None:
        return active and at_ms > last.as_of_ms
    return at_ms >= last.as_of_ms and (active or at_ms > last.active_ms)


def _relevant(batch: PositionBatch, prior: Mapping[str, Call]) -> list[int]:
    """Return the rows of distress devices, of status 14, and of senders with a call."""
    active = {
        batch.subject[row] for row in np.flatnonzero(batch.nav_status == _ACTIVE_STATUS).tolist()
    }
    return [
        row
        for row, subject in enumerate(batch.subject)
        if subject in active or subject in prior or _device(subject)
    ]


def _is_active(batch: PositionBatch, row: int) -> bool | None:
    """Return whether a row says distress; None when it says nothing of it."""
    status, said = int(batch.nav_status[row]), batch.extra[row]
    if said is not None and said.text:
        if not _device(batch.subject[row]):
            return None
        text = said.text.upper()
        return "ACTIVE" in text and "TEST" not in text
    return None if status == _NOT_SAID else status == _ACTIVE_STATUS


def _device(subject: str) -> str:
    """Return SART, MOB or EPIRB; "" for all other senders."""
    return DISTRESS_DEVICES.get(subject[:_PREFIX], "")


def _place(batch: PositionBatch, row: int) -> tuple[float, float] | None:
    lon_deg, lat_deg = float(batch.lon_deg[row]), float(batch.lat_deg[row])
    return None if np.isnan(lon_deg) or np.isnan(lat_deg) else (lon_deg, lat_deg)


def _settled(desk: Desk[Params], last: Call, at_ms: int) -> Call:
    if last.due_ms is None or last.due_ms > at_ms:
        return last
    return _ended(desk, last, last.due_ms, "no-burst")


def _active(desk: Desk[Params], now: Call, place: tuple[float, float] | None) -> Call:
    device, at_ms = _device(desk.subject), now.as_of_ms
    begins, first_place = now.onset_ms is None, now.place is None and place is not None
    now = msgspec.structs.replace(
        now,
        onset_ms=at_ms if begins else now.onset_ms,
        active_ms=at_ms,
        place=place or now.place,
        due_ms=at_ms + desk.params.clear_s * 1000,
    )
    if begins:
        words = f"{device} 遇险发信" if device else "误设为遇险状态（状态14），并非遇险示位设备"
        said = Said(words, f"{device.lower()}-active" if device else "status-14", place)
        desk.tell(_finding(desk, now), Transition.ONSET, at_ms, said)
    elif device and first_place:
        said = Said(f"{device} 遇险位置已知", "place-known", place)
        desk.tell(_finding(desk, now), Transition.UPDATE, at_ms, said)
    return now


def _ended(desk: Desk[Params], now: Call, at_ms: int, reason: str) -> Call:
    said = Said("遇险发信停止", reason, now.place)
    desk.tell(_finding(desk, now), Transition.CLEAR, at_ms, said)
    return Call(as_of_ms=max(at_ms, now.as_of_ms))


def _finding(desk: Desk[Params], now: Call) -> Finding:
    device = _device(desk.subject)
    return Finding(
        NAME,
        desk.params.version,
        DISTRESS if device else FALSE_DISTRESS,
        desk.subject,
        now.onset_ms or 0,
        Severity.EXTREME if device else Severity.MINOR,
        life_safety=bool(device),
    )
