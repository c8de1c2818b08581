"""Muting: why an incident is held now, and what is told when a reason for it ends."""

from collections.abc import Iterable, Sequence

from schemas.incidents import IncidentChange, IncidentState
from streams.matters import storms
from streams.matters.book import Book
from streams.matters.groups import Group
from streams.matters.holds import (
    GROUPING,
    STORM,
    UNSURE,
    inhibitor,
    is_muted_by,
    is_unsure,
    waits,
)


def held_now(book: Book, group: Group, at_ms: int) -> tuple[str, ...]:
    """Return every reason that holds `group` at `at_ms`; empty lets people be told."""
    params = book.params
    words = []
    if waits(group, at_ms):
        words.append(GROUPING)
    if is_unsure(group, params):
        words.append(UNSURE)
    words += [f"silence:{name}" for name, one in sorted(book.silences.items()) if one.covers(group)]
    words += [
        f"mode:{name}"
        for name in sorted(book.modes)
        if name in params.modes and is_muted_by(group, params.modes[name])
    ]
    rule = inhibitor(group, book.sources(), params.inhibit) if params.inhibit else None
    if rule is not None:
        words.append(f"inhibited:{rule.name}")
    if group.parent:
        words.append(STORM)
    return tuple(words)


def gone(before: tuple[str, ...], now: tuple[str, ...]) -> str:
    """Return the reasons that have ended, where none is left; "" where some are."""
    return "" if now else " ".join(before)


def review(book: Book, groups: Iterable[Group], at_ms: int) -> int:
    """Tell whose holds have changed among `groups`; return how many."""
    count = 0
    for group in groups:
        held = held_now(book, group, at_ms)
        if group.is_open and held != group.held:
            released = gone(group.held, held)
            book.tell(group.put(held=held), IncidentChange.UPDATED, at_ms, released=released)
            count += 1
    for key, storm in sorted(book.open_storms().items()):
        held = _held_storm(book, book.open_children(storm.incident.incident_id), at_ms)
        if held != storm.incident.held:
            book.tell_storm(key, storms.with_held(storm, held, at_ms), IncidentChange.UPDATED)
    return count


def release(book: Book, word: str, at_ms: int) -> int:
    """Review all after the reason `word` has ended; return how many were told.

    What still fires is told as set free; what ended meanwhile is listed, so that
    nothing that was muted is lost.
    """
    count = review(book, book.open_groups(), at_ms)
    for group in book.ended_held():
        if word in group.held:
            rest = tuple(one for one in group.held if one != word)
            book.tell(group.put(held=rest), IncidentChange.UPDATED, at_ms, released=word)
            count += 1
    return count


def begin_storm(book: Book, group: Group, at_ms: int) -> Group:
    """Return `group`, which has just opened, under the area incident that speaks for it."""
    if not group.community:
        return group
    key = storms.key_of(group.kind, group.community)
    storm = book.storm(key)
    if storm is not None and storm.incident.state is IncidentState.OPEN:
        held = _held_storm(book, [group], at_ms) if storm.incident.held else ()
        is_free = bool(storm.incident.held) and not held
        storm = storms.with_held(storms.joined(storm, group), held, at_ms)
        if is_free or storms.has_doubled(storm):
            book.tell_storm(key, storm, IncidentChange.UPDATED)
        else:
            book.write("storm", key, storm)
        return group.put(parent=storm.incident.incident_id)
    reach_ms = book.params.storm_s * 1000
    near = [
        one
        for one in book.kin(key)
        if abs(one.opened_ms - group.opened_ms) <= reach_ms and one.incident_id != group.incident_id
    ]
    if len(near) + 1 <= book.params.storm_over:
        return group.put(parent="")
    children = [*near, group]
    storm = storms.begin(children, book.now_ms, storm)
    storm = storms.with_held(storm, _held_storm(book, children, at_ms), at_ms)
    change = IncidentChange.REOPENED if storm.incident.revision else IncidentChange.OPENED
    book.tell_storm(key, storm, change)
    parent = storm.incident.incident_id
    for child in near:
        held = held_now(book, child.put(parent=parent), at_ms) if child.is_open else child.held
        book.tell(child.put(parent=parent, held=held), IncidentChange.UPDATED, at_ms)
    return group.put(parent=parent)


def end_storm(book: Book, group: Group) -> None:
    """End the area incident of `group`, which has ended, if it was the last child."""
    key = storms.key_of(group.kind, group.community)
    storm = book.storm(key)
    if storm is None or storm.incident.incident_id != group.parent:
        return
    if storm.incident.state is IncidentState.OPEN and not book.has_open_children(group.parent):
        book.tell_storm(key, storm, IncidentChange.RESOLVED)


def _held_storm(book: Book, children: Sequence[Group], at_ms: int) -> tuple[str, ...]:
    """Return why nobody is told of an area incident: what holds each of its children."""
    words: tuple[str, ...] = ()
    for child in children:
        held = held_now(book, child, at_ms)
        words = tuple(word for word in held if word not in {GROUPING, STORM})
        if not words:
            return ()
    return words
