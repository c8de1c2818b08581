"""Why nobody is sent for an incident: it waits, it is unsure, silenced, or muted by another.

Every reason is a function of the incident and of what is in force, so that a
restart comes to the same; what is held is on the topic all the same, with `held`.
"""

from collections.abc import Iterable

import msgspec

from streams.matters.groups import Group
from streams.matters.merge import severity_rank
from streams.matters.policy import IncidentParams, Inhibition, Mode, is_any
from streams.matters.routing import fits

GROUPING, UNSURE, STORM = "grouping", "unsure", "storm"
MAX_SILENCE_MS = 7 * 86_400_000


class Silence(msgspec.Struct, frozen=True):
    """A person's word that something is known and nobody is to be told.

    Attributes:
        silence_id: Id of the command.
        by, second: Its owner; the second person, needed for matters of life.
        until_ms: Its end (wall).
        area, subjects, kinds: What it covers: all that are named must fit.
    """

    silence_id: str
    by: str
    second: str
    reason: str
    from_ms: int
    until_ms: int
    area: str = ""
    subjects: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()

    def covers(self, group: Group) -> bool:
        """Say whether it silences an incident."""
        return (
            (not self.area or self.area in (group.host.area, *group.chain))
            and (not self.subjects or group.host.subject in self.subjects)
            and (not self.kinds or is_any(group.kind, self.kinds))
            and (bool(self.second) or not group.life_safety)
        )


class ModeOn(msgspec.Struct, frozen=True):
    """A mode in force: who switched it on, and since when (wall)."""

    name: str
    by: str
    second: str
    reason: str
    since_ms: int


def waits(group: Group, at_ms: int) -> bool:
    """Say whether an incident still waits for company."""
    return group.told_ms is None and group.tell_at_ms is not None and at_ms < group.tell_at_ms


def is_unsure(group: Group, params: IncidentParams) -> bool:
    """Say whether a single sense that is not to be trusted alone is all there is."""
    if len(group.senses) > 1:
        return False
    doubtful = all(part.doubtful for part in group.parts)
    return doubtful or all(is_any(part.kind, params.shown_alone) for part in group.parts)


def is_muted_by(group: Group, mode: Mode) -> bool:
    """Say whether a mode mutes an incident; a matter of life it never mutes."""
    if group.life_safety:
        return False
    if is_any(group.kind, mode.mute):
        return True
    if len(group.senses) == 1 and is_any(group.kind, mode.mute_single):
        return True
    rank = severity_rank(group.severity)
    return any(
        fits(pattern, group.kind) and rank < severity_rank(least)
        for pattern, least in mode.least.items()
    )


def inhibitor(
    group: Group, sources: Iterable[Group], rules: Iterable[Inhibition]
) -> Inhibition | None:
    """Return the rule by which one of the open `sources` mutes `group`; None for none."""
    wanted = [rule for rule in rules if is_any(group.kind, rule.target)]
    if not wanted:
        return None
    for source in sources:
        for rule in wanted:
            if (
                source.incident_id != group.incident_id
                and is_any(source.kind, rule.source)
                and all(_is_equal(source, group, word) for word in rule.equal)
            ):
                return rule
    return None


def _is_equal(source: Group, target: Group, word: str) -> bool:
    of_source, _, of_target = word.partition("=")
    value = _value(source, of_source)
    return bool(value) and value == _value(target, of_target or of_source)


def _value(group: Group, name: str) -> str:
    if name == "community":
        return group.community
    return str(getattr(group.host, name))


def touches_life(kinds: tuple[str, ...], life_kinds: tuple[str, ...]) -> bool:
    """Say whether patterns of kinds may cover a matter of life; no kinds are all kinds."""
    if not kinds:
        return bool(life_kinds)
    return any(_meet(kind, life) for kind in kinds for life in life_kinds)


def _meet(one: str, other: str) -> bool:
    """Say whether some kind fits both patterns."""
    return fits(one, other.removesuffix("*")) or fits(other, one.removesuffix("*"))
