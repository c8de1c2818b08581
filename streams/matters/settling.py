"""What a matter's news does to the incident that it is part of."""

from collections.abc import Sequence

import msgspec

from schemas.alerts import Alert, Transition
from schemas.ids import uuid5
from schemas.incidents import Incident, IncidentChange
from streams.matters.book import Book
from streams.matters.correlate import matter_key
from streams.matters.fusion import Host, find_host, place_of
from streams.matters.groups import Group, Part, moved, part_of
from streams.matters.holds import GROUPING
from streams.matters.muting import begin_storm, end_storm, gone, held_now, release, review

_MOVES = frozenset({IncidentChange.OPENED, IncidentChange.REOPENED, IncidentChange.RESOLVED})


def take(book: Book, said: Incident, alert: Alert, at_ms: int) -> None:
    """Take in what `alert` did to its matter.

    Args:
        book: The city's.
        said: The incident that the matter would be by itself.
        alert: What moved it.
        at_ms: When the alert was written down.
    """
    part = part_of(said, alert, matter_key(alert), book.params.trust)
    group = book.home_of(said.incident_id)
    is_notice = alert.transition is Transition.NOTICE
    if group is not None:
        group = _with(_lasted(book, group, alert, at_ms), part, said)
    elif said.change is IncidentChange.OPENED and (host := _host(book, part)) is not None:
        group = with_more(host.group, [msgspec.structs.replace(part, link=host.link)])
    else:
        group = alone(book, said, part, at_ms, is_notice=is_notice)
    settle(book, group, said, at_ms, counts=not is_notice)


def settle(book: Book, group: Group, said: Incident, at_ms: int, *, counts: bool) -> Group:
    """Tell what has become of `group` by the message `said` of one of its matters.

    Args:
        book: The city's.
        group: With its matters as they are now.
        said: What has just been said.
        at_ms: When.
        counts: Whether an end or return counts as flapping.
    """
    before = book.group(group.incident_id)
    was_open = before is not None and before.is_open
    group = _flap(book, group, before, said.event_time_ms, at_ms) if counts else group
    is_open = group.fires or group.calm_at_ms is not None
    change = _change(before, was_open=was_open, is_open=is_open)
    group = group.put(
        is_open=is_open, reopened=group.reopened + (change is IncidentChange.REOPENED)
    )
    if change is IncidentChange.REOPENED and group.told_ms is None:
        group = group.put(tell_at_ms=_tell_at_ms(book, group, at_ms))
    if change in {IncidentChange.OPENED, IncidentChange.REOPENED}:
        group = begin_storm(book, group, at_ms)
    released = ""
    if is_open:
        held = held_now(book, group, at_ms)
        released = gone(group.held, held)
        group = group.put(held=held)
    alone_here = len(group.parts) == 1 and change is said.change
    message = said.id if alone_here else uuid5(group.incident_id, change, said.id)
    facts = {"event_time_ms": said.event_time_ms, "trace": said.trace, "released": released}
    group = book.tell(group, change, at_ms, message, **facts)
    if change is IncidentChange.RESOLVED and group.parent:
        end_storm(book, group)
    if change in _MOVES and book.mutes(group):
        review(book, book.open_groups(), at_ms)
    return group


def alone(book: Book, said: Incident, part: Part, at_ms: int, *, is_notice: bool) -> Group:
    """Return the incident that a matter is by itself, from `at_ms` on."""
    group = Group(
        incident_id=said.incident_id,
        host=said,
        parts=(part,),
        revision=said.revision - 1,
        is_notice=is_notice,
        chain=book.chain_of(said),
        opened_ms=said.opened_time_ms,
        reopened=said.reopened_count,
    )
    return group.put(tell_at_ms=_tell_at_ms(book, group, at_ms))


def with_more(group: Group, parts: Sequence[Part]) -> Group:
    """Return `group` with more matters in it."""
    opened_ms = min(group.opened_ms, *(part.opened_ms for part in parts))
    return group.put(parts=(*group.parts, *parts), opened_ms=opened_ms)


def advance(book: Book, at_ms: int) -> None:
    """Do what time has made due by `at_ms`, in its order."""
    while (due_ms := book.due.next_due_ms()) is not None and due_ms <= at_ms:
        for name in book.due.pop_due(due_ms):
            kind, _, key = name.partition("\x00")
            group = book.group(key)
            if kind == "silence":
                book.write("silence", key, None)
                release(book, f"silence:{key}", due_ms)
            elif group is not None and kind == "flap":
                _calm(book, group, due_ms)
            elif group is not None:
                review(book, [group], due_ms)


def _lasted(book: Book, group: Group, alert: Alert, at_ms: int) -> Group:
    """Return `group`, told where event time says that it has waited long enough.

    A replay, or a backlog, may bring a matter's end a moment after its beginning
    though it lasted for an hour: people are to hear of it all the same.
    """
    wait_ms = book.params.group_wait_s * 1000
    if GROUPING in group.held and alert.event_time_ms - group.opened_ms >= wait_ms:
        book.keep(group.put(tell_at_ms=at_ms))
        review(book, [group.put(tell_at_ms=at_ms)], at_ms)
    return book.group(group.incident_id) or group


def _host(book: Book, part: Part) -> Host | None:
    place = place_of(part)
    if place is None:
        return None
    return find_host(part, book.near(*place), book.params.links, book.apart)


def _with(group: Group, part: Part, said: Incident) -> Group:
    """Return `group` with the newest of one of its matters."""
    parts = tuple(
        moved(one, part) if one.incident_id == part.incident_id else one for one in group.parts
    )
    is_host = group.parts[0].incident_id == part.incident_id
    return group.put(parts=parts, host=said if is_host else group.host)


def _change(before: Group | None, *, was_open: bool, is_open: bool) -> IncidentChange:
    if before is None:
        return IncidentChange.OPENED
    if was_open == is_open:
        return IncidentChange.UPDATED
    return IncidentChange.REOPENED if is_open else IncidentChange.RESOLVED


def _tell_at_ms(book: Book, group: Group, at_ms: int) -> int | None:
    """Return until when a new incident waits for company, None for at once."""
    wait_ms = int(book.params.group_wait_s * 1000)
    if not wait_ms or group.is_notice or group.life_safety:
        return None
    return at_ms + wait_ms


def _flap(book: Book, group: Group, before: Group | None, event_ms: int, at_ms: int) -> Group:
    """Return `group` with its newest end or return counted, and held open where it flaps."""
    if before is None or before.fires == group.fires:
        return group
    since_ms = event_ms - book.params.flap_s * 1000
    flips = tuple(one for one in (*group.flips_ms, event_ms) if one >= since_ms)
    kept = flips[-(book.params.flap_over + 1) :]
    flaps = group.calm_at_ms is not None or len(kept) > book.params.flap_over
    calm_at_ms = at_ms + book.params.flap_s * 1000 if flaps else None
    return group.put(flips_ms=kept, calm_at_ms=calm_at_ms)


def _calm(book: Book, group: Group, at_ms: int) -> None:
    """End the flapping of an incident that has been calm; it ends if nothing fires."""
    group = group.put(calm_at_ms=None, flips_ms=(), is_open=group.fires)
    change = IncidentChange.UPDATED if group.is_open else IncidentChange.RESOLVED
    group = book.tell(group, change, at_ms)
    if not group.is_open and group.parent:
        end_storm(book, group)
