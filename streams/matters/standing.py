"""What units say of themselves: by a status, and by every word that says where it was said."""

from schemas.commands import CaseCommand
from schemas.responders import UnitState, UnitStatus
from streams.matters.decision import Desk
from streams.matters.responders import Crews
from streams.matters.story import SOURCE
from streams.matters.words import SUPERVISORS, Word


def status(desk: Desk, command: CaseCommand, word: Word) -> str | None:
    """Take in how a unit stands: its own word, or the desk's about it.

    Returns:
        Why it is refused, as `name: hint`; nothing has changed then.
    """
    if command.unit not in desk.directory.roster.units:
        return f"unknown-unit: no unit {command.unit!r} in the city's units.toml"
    if command.state is None and word.place is None:
        return "nothing-said: say `state`, or `at_lon_deg` and `at_lat_deg`, or all"
    standing = desk.crews.standing(command.unit)
    if command.state is not None:
        standing = standing.with_state(word.at_ms, command.state)
    if word.place is not None:
        standing = standing.with_place(word.at_ms, word.said_ms, word.place)
    desk.hear(command.unit, standing)
    return None


def heard(desk: Desk, unit: str, word: Word) -> None:
    """Take in what an accepted word tells of its unit: where it is, and that it is in reach.

    What a desk says for it tells nothing of where it is.
    """
    if word.role in SUPERVISORS or unit not in desk.directory.roster.units:
        return
    standing = desk.crews.standing(unit)
    if standing.state is UnitState.UNREACHABLE:
        standing = standing.with_state(word.at_ms, UnitState.FREE)
    if word.place is not None:
        standing = standing.with_place(word.at_ms, word.said_ms, word.place)
    desk.hear(unit, standing)


def status_of(unit: str, crews: Crews, now_ms: int) -> UnitStatus:
    """Return how a unit stands now, as screens and people read it."""
    standing = crews.standing(unit)
    seen = standing.seen[0] if standing.seen else None
    return UnitStatus(
        source=SOURCE,
        kind="unit.status",
        subject=unit,
        event_time_ms=now_ms,
        state=crews.state(unit),
        orders=crews.at_hand(unit),
        seen_time_ms=seen.at_ms if seen else None,
        lon_deg=seen.lon_deg if seen else None,
        lat_deg=seen.lat_deg if seen else None,
    )
