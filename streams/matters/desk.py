"""The desk: what an operator may say about incidents, and the answer to each word.

Every command is answered; what is refused changes nothing. The id of a command
makes it safe to send twice: it is answered again, and done once.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from schemas.commands import CommandReply
from schemas.ids import uuid5
from schemas.incidents import (
    Incident,
    IncidentAction,
    IncidentChange,
    IncidentCommand,
    IncidentState,
)
from streams.matters.book import Book
from streams.matters.fusion import link_by_hand, pair
from streams.matters.groups import Group, Part
from streams.matters.holds import MAX_SILENCE_MS, ModeOn, Silence, touches_life
from streams.matters.merge import NOTICE_REASON, SOURCE
from streams.matters.muting import end_storm, held_now, release, review
from streams.matters.settling import alone, with_more

MatterOf = Callable[[str], Incident | None]
"""The newest incident of a matter, by the matter's key."""


class No(Exception):  # noqa: N818 - an answer, not an error
    """A command is refused: its named reason, and what would be right."""

    def __init__(self, reason: str, hint: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


class Done(NamedTuple):
    """What a command has done: words for the operator, and the incident it moved."""

    words: str
    incident_id: str = ""


def obey(book: Book, command: IncidentCommand, matter_of: MatterOf, at_ms: int) -> CommandReply:
    """Do what `command` says, or refuse it with a reason.

    Args:
        book: The city's incidents.
        command: An operator's word.
        matter_of: What a matter is by itself, for those that are split away.
        at_ms: When it was written down.

    Returns:
        The answer, also remembered: the same id gets it again.
    """
    before = book.answers.get(command.id)
    if before is not None:
        return before
    try:
        _check(command)
        done = _ACTIONS[command.action](book, command, matter_of, at_ms)
    except No as no:
        reply = _reply(command, at_ms, no.reason, no.hint)
    else:
        reply = _reply(command, at_ms, "", done.words, done.incident_id)
    if command.id:
        book.write("answer", command.id, reply)
    return reply


def _reply(
    command: IncidentCommand, at_ms: int, reason: str, hint: str, incident_id: str = ""
) -> CommandReply:
    return CommandReply(
        source=SOURCE,
        kind="incident.reply",
        subject=command.subject,
        event_time_ms=at_ms,
        id=uuid5("reply", command.id, reason),
        trace=command.trace,
        command_id=command.id,
        action=command.action,
        accepted=not reason,
        reason=reason,
        hint=hint,
        incident_id=incident_id or command.incident_id,
    )


def _check(command: IncidentCommand) -> None:
    if not command.id:
        raise No("id-required", "give each command an id of its own: it makes it safe to repeat")
    if not command.by.strip():
        raise No("by-required", "say in `by` who commands")
    if not command.reason.strip():
        raise No("reason-required", "say in `reason` why")


def _silence(book: Book, command: IncidentCommand, _: MatterOf, at_ms: int) -> Done:
    if not (command.area or command.subjects or command.kinds):
        raise No("nothing-covered", "name an area, subjects or kinds")
    until_ms = command.until_time_ms
    if until_ms is None or until_ms <= at_ms:
        raise No("end-required", "`until_time` is an instant that is still to come")
    if until_ms - at_ms > MAX_SILENCE_MS:
        raise No("too-long", "a silence lasts seven days at most; renew it, or mend the cause")
    if not command.second and touches_life(command.kinds, book.params.life_kinds):
        raise No("second-person-required", _LIFE_HINT.format(", ".join(book.params.life_kinds)))
    _second(command, needed=False)
    silence = Silence(
        silence_id=command.id,
        by=command.by,
        second=command.second,
        reason=command.reason,
        from_ms=at_ms,
        until_ms=until_ms,
        area=command.area,
        subjects=command.subjects,
        kinds=command.kinds,
    )
    book.write("silence", command.id, silence)
    return Done(f"{review(book, book.open_groups(), at_ms)} open incidents are silenced")


def _unsilence(book: Book, command: IncidentCommand, _: MatterOf, at_ms: int) -> Done:
    if command.silence_id not in book.silences:
        known = ", ".join(sorted(book.silences)) or "none"
        raise No("unknown-silence", f"silences in force: {known}")
    book.write("silence", command.silence_id, None)
    count = release(book, f"silence:{command.silence_id}", at_ms)
    return Done(f"{count} incidents to review")


def _mode_on(book: Book, command: IncidentCommand, _: MatterOf, at_ms: int) -> Done:
    _mode(book, command)
    if command.mode in book.modes:
        raise No("already-on", f"since it was switched on by {book.modes[command.mode].by}")
    mode = ModeOn(command.mode, command.by, command.second, command.reason, at_ms)
    book.write("mode", command.mode, mode)
    return Done(f"{review(book, book.open_groups(), at_ms)} open incidents are muted")


def _mode_off(book: Book, command: IncidentCommand, _: MatterOf, at_ms: int) -> Done:
    _mode(book, command)
    if command.mode not in book.modes:
        raise No("not-on", f"in force: {', '.join(sorted(book.modes)) or 'none'}")
    book.write("mode", command.mode, None)
    return Done(f"{release(book, f'mode:{command.mode}', at_ms)} incidents to review")


def _mode(book: Book, command: IncidentCommand) -> None:
    if command.role not in _DUTY_ROLES:
        raise No("duty-officer-required", f"`role` is one of {', '.join(_DUTY_ROLES)}")
    if command.mode not in book.params.modes:
        known = ", ".join(sorted(book.params.modes)) or "none"
        raise No("unknown-mode", f"modes of this city: {known}")
    _second(command, needed=True)


def _second(command: IncidentCommand, *, needed: bool) -> None:
    if needed and not command.second.strip():
        raise No("second-person-required", "a second person signs in `second`")
    if command.second and command.second.strip() == command.by.strip():
        raise No("second-person-required", "`second` is another person than `by`")


def _roll_call(_: Book, command: IncidentCommand, __: MatterOf, at_ms: int) -> Done:
    """Take down what a skipper said; the command itself is what is kept of it."""
    if len(command.subjects) != 1:
        raise No("one-boat-required", "name one boat in `subjects`, by its code in the register")
    until_ms = command.until_time_ms
    if until_ms is not None and not command.answered:
        raise No("answer-required", "who promises an arrival has answered: say `answered` too")
    if until_ms is not None and until_ms <= at_ms:
        raise No("arrival-past", "`until_time` is an instant that is still to come")
    return Done(f"{command.subjects[0]} was called")


def _merge(book: Book, command: IncidentCommand, _: MatterOf, at_ms: int) -> Done:
    into = _known(book, command.incident_id)
    others = [_known(book, name) for name in dict.fromkeys(command.others)]
    if not others:
        raise No("nothing-to-merge", "name the incidents that join it in `others`")
    if any(one.incident_id == into.incident_id for one in others):
        raise No("same-incident", "an incident cannot join itself")
    more = [
        msgspec.structs.replace(part, link=part.link or link_by_hand(part, into))
        for one in others
        for part in one.parts
    ]
    for one in others:
        change = IncidentChange.RESOLVED if one.is_open else IncidentChange.UPDATED
        gone = one.put(merged_into=into.incident_id, is_open=False, calm_at_ms=None)
        book.tell(gone, change, at_ms)
        if one.parent:
            end_storm(book, gone)
    _retell(book, with_more(into, more), at_ms)
    return Done(f"{len(others)} incidents joined", into.incident_id)


def _split(book: Book, command: IncidentCommand, matter_of: MatterOf, at_ms: int) -> Done:
    group = _known(book, command.incident_id)
    wanted = set(command.alert_ids)
    leaving = [part for part in group.parts if wanted & set(part.alert_ids)]
    if not leaving or wanted - {one for part in leaving for one in part.alert_ids}:
        raise No("not-in-incident", "name alerts of the incident's `alert_ids` in `alert_ids`")
    if group.parts[0] in leaving:
        raise No("opener-stays", "the alerts that opened it stay; split the others away")
    said = [(part, matter_of(part.key)) for part in leaving]
    if any(one is None or one.incident_id != part.incident_id for part, one in said):
        raise No("long-over", "a matter that has ended and begun again since cannot be split")
    rest = tuple(part for part in group.parts if part not in leaving)
    for part in leaving:
        for other in rest:
            book.write("apart", pair(part.key, other.key), f"{command.by}: {command.reason}")
    _retell(book, group.put(parts=rest), at_ms)
    for part, one in said:
        if one is not None:
            _set_free(book, part, one, at_ms)
    return Done(f"{len(leaving)} matters are incidents of their own", group.incident_id)


def _known(book: Book, name: str) -> Group:
    group = book.group(name)
    if group is None:
        raise No("unknown-incident", f"no incident {name!r} is open or freshly ended")
    if group.merged_into:
        raise No("merged", f"it goes on as {group.merged_into}")
    return group


def _retell(book: Book, group: Group, at_ms: int) -> None:
    """Tell how an incident stands after a person has changed what is in it."""
    was_open = group.is_open
    is_open = group.fires or group.calm_at_ms is not None
    change = IncidentChange.UPDATED
    if was_open != is_open:
        change = IncidentChange.REOPENED if is_open else IncidentChange.RESOLVED
    reopened = group.reopened + (change is IncidentChange.REOPENED)
    group = group.put(is_open=is_open, reopened=reopened)
    if is_open:
        group = group.put(held=held_now(book, group, at_ms))
    book.tell(group, change, at_ms)


def _set_free(book: Book, part: Part, said: Incident, at_ms: int) -> None:
    """Tell a matter that was split away as an incident of its own."""
    was = book.group(said.incident_id)
    revision = was.revision if was is not None else 0
    part = msgspec.structs.replace(part, link=None)
    is_notice = said.reason == NOTICE_REASON
    group = alone(book, said, part, at_ms, is_notice=is_notice).put(revision=revision)
    is_open = said.state is IncidentState.OPEN or is_notice
    group = group.put(is_open=is_open, tell_at_ms=None)
    change = IncidentChange.UPDATED
    if is_open:
        group = group.put(held=held_now(book, group, at_ms))
        change = IncidentChange.REOPENED if revision else IncidentChange.OPENED
    group = book.tell(group, change, at_ms)
    if is_open and not group.fires:
        book.tell(group.put(is_open=False), IncidentChange.RESOLVED, at_ms)


_LIFE_HINT = (
    "it may cover matters of life ({}): name kinds that leave them out, "
    "or let another person sign in `second`"
)
_DUTY_ROLES = ("duty-officer", "desk", "admin")
_Action = Callable[[Book, IncidentCommand, MatterOf, int], Done]
_ACTIONS: Mapping[IncidentAction, _Action] = {
    IncidentAction.SILENCE: _silence,
    IncidentAction.UNSILENCE: _unsilence,
    IncidentAction.MODE_ON: _mode_on,
    IncidentAction.MODE_OFF: _mode_off,
    IncidentAction.ROLL_CALL: _roll_call,
    IncidentAction.MERGE: _merge,
    IncidentAction.SPLIT: _split,
}
