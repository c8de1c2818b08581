"""What people hold back: silences and modes in force, with owner, reason and end.

The agent of incidents judges every command; what it accepted is read from the
commands and the answers to them. The two are topics of their own, so either may be
read first; the order is that of the answers.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from schemas.incidents import IncidentAction
from schemas.instants import format_instant, parse_instant
from screens.hub.items import Item, ItemTable
from screens.hub.subscription import Layer
from screens.hub.table import EVERYWHERE, Place
from screens.known.atlas import Atlas

Wire = Mapping[str, Any]
_MOST_HELD = 2_000
_MOST_WAITING = 20_000
_HOLDS = frozenset(
    {
        IncidentAction.SILENCE,
        IncidentAction.UNSILENCE,
        IncidentAction.MODE_ON,
        IncidentAction.MODE_OFF,
    }
)


class _Answer(NamedTuple):
    """An accepted answer: the how-manieth it is, and when it was given."""

    number: int
    at: str


class Holds(ItemTable):
    """Silences by the id of their command, modes as `mode:<name>`."""

    def __init__(self, atlas: Atlas) -> None:
        super().__init__(Layer.HOLDS, atlas.communities, _MOST_HELD)
        self._atlas = atlas
        self._said: dict[str, Wire] = {}
        self._answers: dict[str, _Answer] = {}
        self._judged: dict[str, None] = {}
        self._ended: dict[str, None] = {}
        self._until_ms: dict[str, int] = {}
        self._switched: dict[str, int] = {}
        self._count = 0

    def take_command(self, wire: Wire) -> None:
        """Take in a command; without its answer it holds nothing."""
        name = str(wire.get("id") or "")
        if name and wire.get("action") in _HOLDS and name not in self._judged:
            self._said.setdefault(name, wire)
            _bound(self._said)
            self._join(name)

    def take_reply(self, wire: Wire) -> None:
        """Take in an answer; only the first one to a command counts."""
        name = str(wire.get("command_id") or "")
        if wire.get("action") not in _HOLDS or name in self._judged:
            return
        if not wire.get("accepted"):
            self._judge(name)
            return
        self._count += 1
        self._answers.setdefault(name, _Answer(self._count, str(wire.get("event_time") or "")))
        _bound(self._answers)
        self._join(name)

    def age(self, now_ms: int) -> None:
        """Let go of silences whose end has come."""
        for name in [name for name, until_ms in self._until_ms.items() if until_ms <= now_ms]:
            self._end(name)

    def _join(self, name: str) -> None:
        said, answer = self._said.get(name), self._answers.get(name)
        if said is None or answer is None:
            return
        self._judge(name)
        match said["action"]:
            case IncidentAction.SILENCE:
                self._silence(name, said, answer)
            case IncidentAction.UNSILENCE:
                self._end(str(said.get("silence_id") or ""))
            case _:
                self._switch(said, answer)

    def _judge(self, name: str) -> None:
        self._said.pop(name, None)
        self._answers.pop(name, None)
        self._judged[name] = None
        _bound(self._judged)

    def _silence(self, name: str, said: Wire, answer: _Answer) -> None:
        until_ms = parse_instant(str(said.get("until_time") or ""))
        if name in self._ended or not isinstance(until_ms, int):
            return
        self._until_ms[name] = until_ms
        area = str(said.get("area") or "")
        subjects = [str(one) for one in said.get("subjects") or ()]
        body = {
            **_signed(said),
            "id": name,
            "updated": answer.at,
            "kind": "silence",
            "from_time": answer.at,
            "until_time": format_instant(until_ms),
            "area": area,
            "subjects": subjects,
            "kinds": [str(one) for one in said.get("kinds") or ()],
        }
        is_of_all = not subjects and area in {"", self._atlas.city}
        owner = EVERYWHERE if is_of_all else self._atlas.of_area(area, *subjects)
        self.put(Item(name, body, Place(community=owner), "silence"))

    def _end(self, name: str) -> None:
        self._ended[name] = None
        _bound(self._ended)
        self._until_ms.pop(name, None)
        self.drop(name)

    def _switch(self, said: Wire, answer: _Answer) -> None:
        mode = str(said.get("mode") or "")
        if self._switched.get(mode, 0) > answer.number:
            return
        self._switched[mode] = answer.number
        name = f"mode:{mode}"
        if said["action"] == IncidentAction.MODE_OFF:
            self.drop(name)
            return
        body = {
            **_signed(said),
            "id": name,
            "updated": answer.at,
            "kind": "mode",
            "from_time": answer.at,
            "mode": mode,
        }
        self.put(Item(name, body, Place(community=EVERYWHERE), "mode"))


def _signed(said: Wire) -> dict[str, str]:
    return {name: str(said.get(name) or "") for name in ("by", "role", "second", "reason")}


def _bound(held: dict[str, Any]) -> None:
    if len(held) > _MOST_WAITING:
        del held[next(iter(held))]
