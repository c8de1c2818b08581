"""Complaints rule: tickets of 110 and 12345 become alerts, one for each chain of calls.

A matter that 12345 hands to 110, or back, keeps its chain: its tickets are one
alert with a count. It ends when no further call came for
`keep_s`; a call after that is a new alert. What calls of different chains have
in common is found by where and when they are, by whoever correlates.

No text of a ticket goes on: not its category, which is free text, nor the words
for its place, which may be a home; who needs them reads the ticket by its number.

State, per chain: the open alert, and the tickets taken, so that a redelivered one
says nothing. Of a chain that ended long ago nothing is kept.
"""

from collections.abc import Mapping
from operator import attrgetter

import msgspec

from schemas.alerts import Alert, Transition
from schemas.complaints import ComplaintBatch
from schemas.ids import uuid5
from streams.claims.tickets import OTHER, Called, Params
from streams.rule import RowNote, Verdict

__all__ = ["NAME", "Called", "Chain", "Params", "close", "evaluate"]

NAME = "complaints"
_UNWATCHED = "kind-not-watched"
_KEPT_TICKETS = 64
_REASONS = {
    Transition.ONSET: "called",
    Transition.UPDATE: "called-again",
    Transition.CLEAR: "no-more-calls",
}


class Chain(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is remembered of one chain of tickets.

    Attributes:
        as_of_ms: Its newest ticket.
        tickets: Event time and number of the newest tickets taken.
        dropped_ms: Newest event time among those that fell out of `tickets`.
        kind: What it is about; the first one that is not `complaint.other`.
        channel: Of its newest ticket.
        onset_ms: First ticket of the open alert; None while there is none.
        count: Tickets in it.
        place, place_confidence: The surest place said; None for none.
        due_ms: When it ends, or once ended when it is forgotten.
    """

    as_of_ms: int
    tickets: tuple[tuple[int, str], ...] = ()
    dropped_ms: int = -1
    kind: str = OTHER
    channel: str = ""
    onset_ms: int | None = None
    count: int = 0
    place: tuple[float, float] | None = None
    place_confidence: float | None = None
    due_ms: int | None = None


def evaluate(batch: ComplaintBatch, prior: Mapping[str, Chain], params: Params) -> Verdict[Chain]:
    """Return the alerts that the tickets of `batch` imply.

    Args:
        batch: Tickets, each chain's in event-time order.
        prior: State before the batch, by chain.
        params: What is taken, and how long it stays open.

    Returns:
        Alerts by event time; a note for each ticket of a kind that is not taken.
    """
    alerts: list[Alert] = []
    changed: dict[str, Chain | None] = {}
    notes: list[RowNote] = []
    for row, (subject, at_ms) in enumerate(
        zip(batch.subject, batch.event_time_ms.tolist(), strict=True)
    ):
        kind = params.kind_of(batch.kind[row], batch.category[row])
        if kind not in params.kinds:
            notes.append(RowNote(row, _UNWATCHED))
            continue
        last = changed[subject] if subject in changed else prior.get(subject)
        last = last or Chain(-1)
        ticket = (at_ms, batch.ticket[row])
        if at_ms <= last.dropped_ms or ticket in last.tickets:
            continue
        while last.due_ms is not None and last.due_ms <= at_ms:
            last = _aged(subject, last, params, alerts) or Chain(-1)
        now = _called(batch, row, _remembering(last, ticket), kind, params)
        transition = Transition.UPDATE if last.count else Transition.ONSET
        alerts.append(_alert(subject, now, transition, now.as_of_ms, params))
        changed[subject] = now
    return Verdict(sorted(alerts, key=attrgetter("event_time_ms")), changed, notes)


def close(
    keys: list[str], prior: Mapping[str, Chain], watermark_ms: int, params: Params
) -> Verdict[Chain]:
    """End the chains of which no more was heard, and forget those that ended long ago."""
    alerts: list[Alert] = []
    changed: dict[str, Chain | None] = {}
    for key in keys:
        last = prior.get(key)
        if last is None or last.due_ms is None or last.due_ms > watermark_ms:
            continue
        changed[key] = _aged(key, last, params, alerts)
    return Verdict(sorted(alerts, key=attrgetter("event_time_ms")), changed)


def _remembering(last: Chain, ticket: tuple[int, str]) -> Chain:
    tickets = (*last.tickets, ticket)
    dropped_ms = max([last.dropped_ms, *(at_ms for at_ms, _ in tickets[:-_KEPT_TICKETS])])
    return msgspec.structs.replace(last, tickets=tickets[-_KEPT_TICKETS:], dropped_ms=dropped_ms)


def _called(batch: ComplaintBatch, row: int, last: Chain, kind: str, params: Params) -> Chain:
    """Return the state with one more ticket in it."""
    at_ms = max(int(batch.event_time_ms[row]), last.as_of_ms)
    kind = last.kind if last.kind in params.kinds and last.kind != OTHER else kind
    place, sure = last.place, last.place_confidence
    lon_deg, lat_deg = float(batch.lon_deg[row]), float(batch.lat_deg[row])
    said = float(batch.place_confidence[row])
    said = 1.0 if said != said else said  # noqa: PLR0124 - NaN: a place without a doubt
    if lon_deg == lon_deg and said >= max(params.place_sure, sure or 0.0):  # noqa: PLR0124 - NaN
        place, sure = (lon_deg, lat_deg), said
    return msgspec.structs.replace(
        last,
        as_of_ms=at_ms,
        kind=kind,
        channel=batch.channel[row],
        onset_ms=at_ms if last.onset_ms is None else last.onset_ms,
        count=last.count + 1,
        place=place,
        place_confidence=sure,
        due_ms=at_ms + params.kinds[kind].keep_s * 1_000,
    )


def _aged(key: str, last: Chain, params: Params, alerts: list[Alert]) -> Chain | None:
    """Return what is left when its time has come: an open chain ends, an ended one is forgotten.

    Of one that has just ended the tickets are still known.
    """
    if last.onset_ms is None:
        return None
    ends_ms = last.due_ms or last.as_of_ms
    if last.kind in params.kinds:
        alerts.append(_alert(key, last, Transition.CLEAR, ends_ms, params))
    return Chain(
        last.as_of_ms,
        last.tickets,
        last.dropped_ms,
        due_ms=ends_ms + params.forget_s * 1_000,
    )


def _alert(key: str, now: Chain, transition: Transition, at_ms: int, params: Params) -> Alert:
    called, onset_ms = params.kinds[now.kind], now.onset_ms or 0
    alert_id = uuid5(NAME, key, onset_ms)
    lon_deg, lat_deg = now.place or (None, None)
    newest = now.tickets[-1][1]
    return Alert(
        source="citybrain.complaints",
        kind=now.kind,
        subject=key,
        event_time_ms=at_ms,
        id=uuid5(alert_id, transition, at_ms, now.count),
        alert_id=alert_id,
        rule=NAME,
        rule_version=params.version,
        transition=transition,
        severity=called.severity,
        onset_time_ms=onset_ms,
        lon_deg=lon_deg,
        lat_deg=lat_deg,
        reason=_REASONS[transition],
        sentence=_sentence(now, newest, transition, called),
        life_safety=called.life_safety,
        inputs=(newest,),
        confidence=now.place_confidence,
        count=now.count,
    )


def _sentence(now: Chain, newest: str, transition: Transition, called: Called) -> str:
    if transition is Transition.CLEAR:
        hours = called.keep_s / 3_600
        return f"市民反映{called.label}，共 {now.count} 次来电，{hours:g} 小时内无新来电，就此结束"
    again = f"，第 {now.count} 次来电" if now.count > 1 else ""
    nowhere = "" if now.place else "，地点不明，请坐席核实"
    return f"市民反映{called.label}（{now.channel} 工单 {newest}）{again}{nowhere}"
