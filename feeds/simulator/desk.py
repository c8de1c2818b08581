"""The desk of a story: people who hear what the city says, and say what is to be done.

A desk is steps. Each says one thing, once, some time after what it waits for was
heard. What is said, and its id, is a function of what was heard: so it may be heard
again, by another process too, and a command that comes twice is done once.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import msgspec

from feeds.recordings import KeyedRecord
from schemas.codec import encode
from schemas.commands import CaseAction, CaseCommand
from schemas.complaints import Complaint
from schemas.envelope import Envelope
from schemas.ids import uuid5
from schemas.incidents import IncidentCommand
from schemas.positions import Position
from schemas.topics import (
    CASE_COMMANDS,
    CASE_REPLIES,
    CASES,
    CITIZEN_COMPLAINTS,
    DISPATCH_ORDERS,
    INCIDENT_COMMANDS,
    INCIDENT_REPLIES,
    INCIDENTS,
    VESSEL_POSITIONS,
)

Message = Mapping[str, Any]
"""A message as decoded from the wire."""

HEARD: Final = (INCIDENTS, INCIDENT_REPLIES, CASES, CASE_REPLIES, DISPATCH_ORDERS)
"""The topics that a desk hears."""

_REPLIES: Final = (CASE_REPLIES, INCIDENT_REPLIES)
_TOPICS: Final[Mapping[type[Envelope], str]] = MappingProxyType(
    {
        CaseCommand: CASE_COMMANDS,
        IncidentCommand: INCIDENT_COMMANDS,
        Complaint: CITIZEN_COMPLAINTS,
        Position: VESSEL_POSITIONS,
    }
)
_PROMPT_S: Final = 5.0

SOURCE: Final = "people.story"


def is_like(message: Message, where: Mapping[str, Any]) -> bool:
    """Return whether a message has the fields of `where`; a set means any of its members."""
    return all(
        message.get(name) in wanted
        if isinstance(wanted, frozenset)
        else message.get(name) == wanted
        for name, wanted in where.items()
    )


class Step(NamedTuple):
    """One thing that somebody of a story says.

    Attributes:
        name: Unlike any other of the story.
        says: What, given the message that it waited for; id and time are set by the desk.
        topic, where: The message that it waits for; no topic, none.
        after: Steps whose answers it waits for, whatever they are.
        delay_s: How long after all that it is said.
        age_s: How old what it says is by then: fixes that a boat sends late.
    """

    name: str
    says: Callable[[Message], Envelope]
    topic: str = ""
    where: Mapping[str, Any] = MappingProxyType({})
    after: Sequence[str] = ()
    delay_s: float = _PROMPT_S
    age_s: float = 0.0


class Said(NamedTuple):
    """What is to be said: by which step, how long from now, and what."""

    step: str
    delay_s: float
    word: Envelope


class Desk:
    """Those who speak in one story.

    Args:
        story: Its name, with what tells apart one playing of it from another.
        start_ms: Before this instant nobody says anything.
    """

    def __init__(self, story: str, start_ms: int) -> None:
        self.start_ms = start_ms
        self._story = story
        self._steps: dict[str, Step] = {}
        self._subjects: set[str] = set()

    def id_of(self, step: str) -> str:
        """Return the id of what a step says; subject, too, of a case that it opens."""
        return uuid5("story", self._story, self.start_ms, step)

    def key_of(self, step: str) -> str:
        """Return what the steps of a case call that which asked for them."""
        return f"{SOURCE}/{self.id_of(step)}"

    def about(self, *subjects: str) -> None:
        """Have the desk hear what concerns `subjects`: devices and tickets of the story."""
        self._subjects.update(subjects)

    def tells(self, step: Step) -> str:
        """Add a step; return its name."""
        self._steps[step.name] = step
        return step.name

    def works(
        self,
        who: str,
        order: Mapping[str, Any],
        *actions: CaseAction,
        after: Sequence[str] = (),
    ) -> str:
        """Have the unit of the order that is like `order` do one thing after another.

        Args:
            who: Names its steps, with the action.
            order: What the order says.
            actions: What is done.
            after: Steps whose answers it waits for.

        Returns:
            The step of the last of them.
        """
        for action in actions:
            name = f"{who}: {action}"
            self.tells(Step(name, of_the_field(action), DISPATCH_ORDERS, order, after))
            after = (name,)
        return after[0]

    @property
    def steps(self) -> Mapping[str, Step]:
        """All steps by name."""
        return self._steps

    def listen(self) -> "Listening":
        """Return an ear for this desk, which has heard nothing yet."""
        ids = {self.id_of(name): name for name in self._steps}
        return Listening(self, self._subjects, ids)

    def record(self, said: Said, key: bytes, now_ms: int) -> KeyedRecord:
        """Return what is said at `now_ms` as a record of its topic."""
        word = said.word
        at_ms = now_ms - round(self._steps[said.step].age_s * 1000)
        given = msgspec.structs.replace(word, id=self.id_of(said.step), event_time_ms=at_ms)
        key = word.subject.encode() if isinstance(word, Position) else key
        return KeyedRecord(_TOPICS[type(word)], key, encode(given), now_ms)


class Listening:
    """What one desk has heard so far, and which of its steps were due."""

    def __init__(self, desk: Desk, subjects: Iterable[str], ids: Mapping[str, str]) -> None:
        self._desk = desk
        self._subjects = {*subjects, *ids}
        self._ids = ids
        self._cases: set[str] = set()
        self._heard: dict[str, list[Message]] = defaultdict(list)
        self._answered: set[str] = set()
        self._waiting = dict(desk.steps)

    @property
    def waiting(self) -> Sequence[str]:
        """Steps that nothing has made due yet."""
        return list(self._waiting)

    def concerns(self, message: Message) -> bool:
        """Return whether a message is about this story."""
        return (
            message.get("subject") in self._subjects
            or message.get("command_id") in self._ids
            or message.get("case_id") in self._cases
        )

    def take(self, topic: str, message: Message) -> None:
        """Hear a message; what does not concern the story is not kept."""
        if not self.concerns(message):
            return
        if case_id := message.get("case_id"):
            self._cases.add(case_id)
        self._heard[topic].append(message)
        if topic in _REPLIES and (step := self._ids.get(message["command_id"])):
            self._answered.add(step)

    def due(self) -> Iterator[Said]:
        """Yield what is to be said now, each step once."""
        for name, step in list(self._waiting.items()):
            if not self._answered.issuperset(step.after):
                continue
            waited = self._first(step)
            if waited is not None:
                del self._waiting[name]
                yield Said(name, step.delay_s, step.says(waited))

    def _first(self, step: Step) -> Message | None:
        if not step.topic:
            return {}
        heard = self._heard[step.topic]
        return next((one for one in heard if is_like(one, step.where)), None)


def of_the_field(action: CaseAction) -> Callable[[Message], CaseCommand]:
    """Return what the unit of an order says about it."""

    def says(order: Message) -> CaseCommand:
        return CaseCommand(
            source=SOURCE,
            kind="case.command",
            subject=order["case_id"],
            event_time_ms=0,
            action=action,
            by=f"crew of {order['unit']}",
            unit=order["unit"],
            order_id=order["order_id"],
        )

    return says


def of_the_desk(
    action: CaseAction,
    *,
    to_city: bool = False,
    by: str = "desk-1",
    role: str = "desk",
    **fields: Any,
) -> Callable[[Message], CaseCommand]:
    """Return what somebody commands about the case of a message, or, `to_city`, about none yet."""

    def says(heard: Message) -> CaseCommand:
        return CaseCommand(
            source=SOURCE,
            kind="case.command",
            subject="city" if to_city else heard["case_id"],
            event_time_ms=0,
            action=action,
            by=by,
            role=role,
            **fields,
        )

    return says
