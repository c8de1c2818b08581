"""The book of a city's incidents: how they stand, and where each is found.

All that is told goes through `tell`, the only place that raises a revision. Its
rows, one Struct a key, are all there is to remember: indexes are made of them.
Wall time comes twice: `at_ms` decides, and is when the record was written that is
at work, so that reading it again decides the same; `now_ms` is only written down.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from schemas.commands import CommandReply
from schemas.ids import uuid5
from schemas.incidents import Incident, IncidentChange, IncidentState
from streams.matters import storms
from streams.matters.fusion import Cells, began_at
from streams.matters.groups import Group, told
from streams.matters.holds import GROUPING, ModeOn, Silence
from streams.matters.policy import IncidentParams, is_any
from streams.matters.routing import AreaChain
from streams.matters.storms import Storm
from streams.timers import Deadlines

Where: TypeAlias = Callable[[Incident], AreaChain | None]
Entry: TypeAlias = Group | Storm | Silence | ModeOn | CommandReply | str
ENTRIES: Mapping[str, Any] = MappingProxyType(
    {
        "group": Group,
        "storm": Storm,
        "silence": Silence,
        "mode": ModeOn,
        "apart": str,
        "answer": CommandReply,
    }
)
"""What a row holds, by the first word of its key."""

_CELL_SPARE = 1.01
_ANSWERS_MS = 7 * 86_400_000


class Book:
    """The incidents of a city.

    Args:
        params: The city's `[incidents]`.
        where: The areas of an incident's place, None outside.
    """

    def __init__(self, params: IncidentParams, where: Where) -> None:
        self.params = params
        self.now_ms = 0
        self._where = where
        self._rows: dict[str, dict[str, Any]] = {kind: {} for kind in ENTRIES}
        self._moved: dict[str, Entry | None] = {}
        self._said: list[Incident] = []
        self._home: dict[str, str] = {}
        self._cells = Cells(_CELL_SPARE * max([1.0, *(one.within_m for one in params.links)]))
        self._open: set[str] = set()
        self._sources: set[str] = set()
        self._ended_held: set[str] = set()
        self._kin: dict[str, dict[str, int]] = {}
        self._children: dict[str, set[str]] = {}
        self.due: Deadlines[str] = Deadlines()
        self._forget: Deadlines[str] = Deadlines()

    # What is said.

    def tell(
        self, group: Group, change: IncidentChange, at_ms: int, message: str = "", **facts: Any
    ) -> Group:
        """Say how `group` stands, and keep it so.

        Args:
            group: As it is now.
            change: What has happened to it.
            at_ms: When.
            message: Id of the message, where not its revision makes one.
            facts: Fields of this message alone.
        """
        if group.is_open and group.told_ms is None:
            since_ms = None if group.held else max(at_ms, group.host.created_time_ms)
            group = group.put(told_ms=since_ms, waited=group.waited or bool(group.held))
        over_ms = None if group.is_open else self.now_ms + self.params.forget_s * 1000
        group = group.put(revision=group.revision + 1, forget_ms=over_ms)
        self.keep(group)
        message = message or uuid5(group.incident_id, change, group.revision)
        self._said.append(told(group, change, message, ingest_time_ms=self.now_ms, **facts))
        return group

    def tell_storm(self, key: str, storm: Storm, change: IncidentChange) -> None:
        """Say how an area incident stands, and keep it so."""
        storm = storms.told(storm, change, self.now_ms)
        self.write("storm", key, storm)
        self._said.append(storm.incident)

    def drain(self) -> list[Incident]:
        """Return what was said since the last call."""
        said, self._said = self._said, []
        return said

    # Where things are.

    def group(self, name: str) -> Group | None:
        """Return the incident of an id."""
        found: Group | None = self._rows["group"].get(name)
        return found

    def home_of(self, incident_id: str) -> Group | None:
        """Return the incident that holds the matter which would be `incident_id` by itself."""
        return self.group(self._home.get(incident_id, ""))

    def near(self, lon_deg: float, lat_deg: float) -> Iterator[Group]:
        """Give the incidents that began near a place, and some more."""
        return (self._rows["group"][name] for name in self._cells.near(lon_deg, lat_deg))

    def open_groups(self) -> list[Group]:
        """Return what is open."""
        return [self._rows["group"][name] for name in sorted(self._open)]

    def sources(self) -> list[Group]:
        """Return what is open and may mute others."""
        return [self._rows["group"][name] for name in sorted(self._sources)]

    def ended_held(self) -> list[Group]:
        """Return what ended while it was held, and was not reviewed."""
        return [self._rows["group"][name] for name in sorted(self._ended_held)]

    def mutes(self, group: Group) -> bool:
        """Say whether `group` is of a kind that mutes others."""
        return any(is_any(group.kind, rule.source) for rule in self.params.inhibit)

    def kin(self, key: str) -> list[Group]:
        """Return the incidents that may be one storm, in the order of their onset."""
        named = sorted(self._kin.get(key, {}).items(), key=lambda one: (one[1], one[0]))
        return [self._rows["group"][name] for name, _ in named]

    def open_children(self, storm_id: str) -> list[Group]:
        """Return the children of an area incident that are open."""
        return [self._rows["group"][name] for name in sorted(self._children.get(storm_id, ()))]

    def has_open_children(self, storm_id: str) -> bool:
        """Say whether a child of an area incident is open."""
        return bool(self._children.get(storm_id))

    def storm(self, key: str) -> Storm | None:
        """Return the newest area incident of a kind and community."""
        found: Storm | None = self._rows["storm"].get(key)
        return found

    def open_storms(self) -> dict[str, Storm]:
        """Return the area incidents that are open, by their key."""
        return {
            key: one
            for key, one in self._rows["storm"].items()
            if one.incident.state is IncidentState.OPEN
        }

    def chain_of(self, incident: Incident) -> tuple[str, ...]:
        """Return the codes of the areas of an incident's place, smallest first."""
        chain = self._where(incident)
        return tuple(chain) if chain else ()

    @property
    def silences(self) -> Mapping[str, Silence]:
        """Silences in force, by id."""
        return self._rows["silence"]

    @property
    def modes(self) -> Mapping[str, ModeOn]:
        """Modes in force, by name."""
        return self._rows["mode"]

    @property
    def apart(self) -> Mapping[str, str]:
        """Pairs of matters that a person has split, and why."""
        return self._rows["apart"]

    @property
    def answers(self) -> Mapping[str, CommandReply]:
        """What was answered to a command, by its id."""
        return self._rows["answer"]

    # What is remembered.

    def keep(self, group: Group) -> None:
        """Keep a group as it is."""
        self.write("group", group.incident_id, group)

    def write(self, kind: str, key: str, entry: Entry | None) -> None:
        """Keep a row; None drops it."""
        self._moved[f"{kind}\x00{key}"] = entry
        self._put(kind, key, entry)

    def changes(self) -> dict[str, Entry | None]:
        """Return the rows that moved since the last call; None where one is gone."""
        moved, self._moved = self._moved, {}
        return moved

    def restore(self, rows: Iterable[tuple[str, Entry]]) -> None:
        """Take up all rows."""
        for name, entry in rows:
            kind, _, key = name.partition("\x00")
            self._put(kind, key, entry)

    def forget(self) -> None:
        """Forget what ended long before `now_ms` and waits for no review."""
        for name in self._forget.pop_due(self.now_ms):
            kind, _, key = name.partition("\x00")
            group = self.group(key)
            if kind == "group" and key in self._ended_held:
                self._forget.set(name, self.now_ms + self.params.forget_s * 1000)
                continue
            if kind == "group" and group is not None:
                self._unindex(group)
            self.write(kind, key, None)

    def _put(self, kind: str, key: str, entry: Entry | None) -> None:
        if entry is None:
            self._rows[kind].pop(key, None)
        else:
            self._rows[kind][key] = entry
        if isinstance(entry, Group):
            self._index(entry)
        elif isinstance(entry, CommandReply):
            self._forget.set(f"answer\x00{key}", entry.event_time_ms + _ANSWERS_MS)
        elif isinstance(entry, Storm):
            over = entry.incident.state is IncidentState.RESOLVED
            forget_ms = (entry.incident.ingest_time_ms or 0) + self.params.forget_s * 1000
            self._forget.set(f"storm\x00{key}", forget_ms if over else None)
        elif kind == "silence":
            until_ms = entry.until_ms if isinstance(entry, Silence) else None
            self.due.set(f"silence\x00{key}", until_ms)

    def _index(self, group: Group) -> None:
        name, place = group.incident_id, began_at(group)
        if not group.merged_into:
            self._home.update((part.incident_id, name) for part in group.parts)
        if place is not None and not group.merged_into:
            self._cells.add(name, *place)
        elif place is not None:
            self._cells.drop(name, *place)
        _belongs(self._open, name, yes=group.is_open)
        _belongs(self._sources, name, yes=group.is_open and self.mutes(group))
        _belongs(self._ended_held, name, yes=not group.is_open and group.is_to_review)
        if group.community:
            kin = self._kin.setdefault(storms.key_of(group.kind, group.community), {})
            kin[name] = group.opened_ms
            if group.merged_into:
                del kin[name]
        if group.parent:
            _belongs(self._children.setdefault(group.parent, set()), name, yes=group.is_open)
        waits = group.is_open and GROUPING in group.held
        self.due.set(f"group\x00{name}", group.tell_at_ms if waits else None)
        self.due.set(f"flap\x00{name}", group.calm_at_ms)
        self._forget.set(f"group\x00{name}", group.forget_ms)

    def _unindex(self, group: Group) -> None:
        name, place = group.incident_id, began_at(group)
        for part in group.parts:
            if self._home.get(part.incident_id) == name:
                del self._home[part.incident_id]
        if place is not None:
            self._cells.drop(name, *place)
        self._kin.get(storms.key_of(group.kind, group.community), {}).pop(name, None)
        self._children.get(group.parent, set()).discard(name)


def _belongs(names: set[str], name: str, *, yes: bool) -> None:
    (names.add if yes else names.discard)(name)
