"""How a run stands at its end, and how two runs of the same stories differ.

What is compared is known by deterministic ids: alerts, incidents, cases, orders.
A ticket bears the time at which somebody called, so its alerts are known by its number;
a boat may put out in answer to what people did, and a feed is watched on wall time, so
stays in harbour are known by the boat and failures by the feed: the first, the second.
A matter is known by its alerts, its case and orders by the matter; of a case it is
compared whether it ended, its function, and who answered. An outage may make a promise
to people break, and then the next level is asked too: such an order more is right where
its case says that it was late. Left out are boats that leave against a recall, which is
in force until people lift it, and they do that later if they heard nothing meanwhile; and
of a run faster than the world what is said of feeds and devices.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from deploy.faults.account import BY_WALL_TIME, Line
from schemas.instants import instant_of
from schemas.topics import ALERTS, CASE_EVENTS, CASES, DISPATCH_ORDERS, INCIDENTS
from streams.matters import recall
from streams.matters.routing import Level

TOPICS: Final = (ALERTS, INCIDENTS, CASES, DISPATCH_ORDERS, CASE_EVENTS)
"""The topics that are read for it."""

_CALLS: Final = "complaint."
_COUNTED: Final = ("vessel.harbour", *BY_WALL_TIME)
_AGAIN: Final = "reopened"
_FIRST: Final = frozenset({"issued", "escalated"})

Said = Mapping[str, Sequence[Mapping[str, Any]]]
"""Messages by topic, decoded from the wire, in their order."""


class Breach(NamedTuple):
    """One broken promise, as it was told."""

    case_id: str
    clock: str
    deadline: str
    told: str
    is_late: bool

    @property
    def late_ms(self) -> int:
        """How long after its deadline it was told."""
        return instant_of(self.told) - instant_of(self.deadline)


class EndState(NamedTuple):
    """The end of a run: by sort, what a thing is by its id; and the breaches, by id of step.

    `broken` are matters of which a promise was broken, or an answer did not come.
    """

    things: Mapping[str, Mapping[str, tuple[Any, ...]]]
    doubled: Mapping[str, int]
    breaches: Mapping[str, Breach]
    broken: frozenset[str]

    @property
    def ended(self) -> int:
        """How many cases have ended."""
        return sum(ended for _, ended, _ in self.things["cases"].values())

    @property
    def is_over(self) -> bool:
        """Whether every case has ended."""
        return self.ended == len(self.things["cases"])


class Verdict(NamedTuple):
    """How a disturbed run compares with an undisturbed one.

    Attributes:
        lines: By sort; an order that an escalation added is none of `strange`.
        breaches, late: Told in the disturbed run, and those told as found late.
        faults: What differs, and what is wrong with breaches, in words.
    """

    lines: Sequence[Line]
    breaches: int
    late: int
    faults: Sequence[str]

    @property
    def is_right(self) -> bool:
        """Whether both ended alike, and every breach was told once and rightly."""
        return not self.faults and all(line.is_right for line in self.lines)


def end_of(said: Said, silent_from_ms: int | None = None) -> EndState:
    """Return how a run ended.

    Args:
        said: What it said.
        silent_from_ms: For a run at the world's pace, from when on no device was played,
            as wall time: what feeds and devices do then is left out. None for a faster
            run, of which all that they do is.
    """
    left_out = {one["alert_id"] for one in said.get(ALERTS, ()) if _is_out(one, silent_from_ms)}
    cuts = _cuts(said, left_out)
    newest = {one["incident_id"]: one for one in _until(said, INCIDENTS, cuts)}
    alerts: dict[str, tuple[Any, ...]] = {}
    names: dict[str, str] = {}
    meant: dict[tuple[Any, ...], set[str]] = defaultdict(set)
    before: dict[str, list[str]] = defaultdict(list)
    for one in said.get(ALERTS, ()):
        if one["alert_id"] in left_out:
            continue
        key = (one["alert_id"], one["transition"], one["event_time"], one.get("revision"))
        meant[key].add(one["id"])
        told = _known_by(one, before)
        name = f"{told} {one['transition']}" if told else one["id"]
        alerts[name] = (one["kind"], one["subject"], one["severity"])
        names[one["alert_id"]] = told or one["alert_id"]
    # Which of its alerts comes first, and names it, depends on the pace of agents.
    matter: dict[str, str] = {
        key: min((names.get(alert, alert) for alert in one["alert_ids"]), default=key)
        for key, one in newest.items()
    }
    incidents = {
        name: (newest[key]["state"],)
        for key, name in matter.items()
        if not newest[key].get("merged_into")
    }
    cases = {
        matter.get(one["incident_id"], one["incident_id"]): (
            one.get("function", ""),
            "ended_time" in one,
            _answered(one),
        )
        for one in _until(said, CASES, cuts)
    }
    orders: dict[str, tuple[Any, ...]] = {}
    crews: dict[str, list[str]] = defaultdict(list)
    asked: dict[tuple[Any, ...], set[str]] = defaultdict(set)
    for one in _until(said, DISPATCH_ORDERS, cuts):
        if one["change"] in _FIRST:
            about = matter.get(one["incident_id"], str(one["incident_id"]))
            orders[f"{about}/{_whom(one, crews[about])}"] = (about,)
            # Whose case was opened again is asked again.
            is_again = one.get("reason") == _AGAIN
            asked[one["case_id"], one["unit"], is_again].add(one["order_id"])
    doubled = {"alerts": _more_than_one(meant), "orders": _more_than_one(asked)}
    things = {"alerts": alerts, "incidents": incidents, "cases": cases, "orders": orders}
    return EndState(things, doubled, _breaches(said), frozenset(_broken(said, matter)))


def _is_out(alert: Mapping[str, Any], silent_from_ms: int | None) -> bool:
    """Return whether an alert is not compared."""
    if not alert["kind"].startswith(BY_WALL_TIME):
        return bool(alert["kind"] == recall.KIND)
    return silent_from_ms is None or instant_of(alert["onset_time"]) >= silent_from_ms


def _cuts(said: Said, left_out: set[str]) -> dict[str, int]:
    """Return by incident from when on it is about an alert that is not compared, in ms."""
    cuts: dict[str, int] = {}
    for one in said.get(INCIDENTS, ()):
        if not left_out.isdisjoint(one["alert_ids"]):
            cuts.setdefault(one["incident_id"], instant_of(one["event_time"]))
    return cuts


def _known_by(alert: Mapping[str, Any], before: dict[str, list[str]]) -> str:
    """Return by what an alert is known whose id depends on when people acted; "" for any other.

    Args:
        alert: What is said.
        before: By kind and subject, the alerts that were said before; grows.
    """
    kind, about = alert["kind"], f"{alert['kind']} {alert['subject']}"
    if kind.startswith(_CALLS):
        return about
    if not kind.startswith(_COUNTED):
        return ""
    if alert["alert_id"] not in before[about]:
        before[about].append(alert["alert_id"])
    return f"{about} {before[about].index(alert['alert_id']) + 1}"


def _whom(order: Mapping[str, Any], crews: list[str]) -> str:
    """Return who was sent: of departments, which crew depends on who is free, so they are counted.

    Args:
        order: What is said.
        crews: Those of departments that were sent for the same matter before; grows.
    """
    unit = str(order["unit"])
    if order.get("level") != Level.DEPARTMENT:
        return unit
    if unit not in crews:
        crews.append(unit)
    return f"{Level.DEPARTMENT} {crews.index(unit) + 1}"


def _answered(case: Mapping[str, Any]) -> frozenset[str]:
    """Return who answered what a function of the city asked."""
    levels = {one["unit"]: one for one in case.get("orders", ())}
    crews: list[str] = []
    return frozenset(
        _whom(levels.get(unit, {"unit": unit}), crews) for unit in case.get("answered", ())
    )


def compare(undisturbed: EndState, disturbed: EndState, late_ms: int) -> Verdict:
    """Compare two runs; `late_ms` is from when on a breach says that it was found late."""
    lines, faults = [], []
    for sort, expected in undisturbed.things.items():
        found = disturbed.things[sort]
        strange = [key for key in found if key not in expected]
        lost = [key for key in expected if key not in found]
        if sort == "orders":
            # Asked because a promise broke, or not asked because it did not.
            strange = [key for key in strange if found[key][0] not in disturbed.broken]
            lost = [key for key in lost if expected[key][0] not in undisturbed.broken]
        changed = [key for key in expected if key in found and found[key] != expected[key]]
        doubled = disturbed.doubled.get(sort, 0)
        gone = len(lost) + len(changed)
        lines.append(Line(sort, len(expected), len(found), gone, len(strange), doubled, 0))
        faults += [f"{sort}: {key} {_in_words(expected[key])} is lost" for key in lost]
        faults += [f"{sort}: {key} {_in_words(found[key])} is strange" for key in strange]
        faults += [
            f"{sort}: {key} is {_in_words(found[key])}, undisturbed {_in_words(expected[key])}"
            for key in changed
        ]
    told = disturbed.breaches.values()
    return Verdict(
        lines, len(told), sum(one.is_late for one in told), [*faults, *_wrong(told, late_ms)]
    )


def _in_words(facts: Iterable[Any]) -> str:
    """Return what a thing is, in an order that does not change."""
    told = (sorted(fact) if isinstance(fact, frozenset) else fact for fact in facts)
    return f"({', '.join(map(str, told))})"


def _wrong(told: Iterable[Breach], late_ms: int) -> list[str]:
    found = []
    by_promise: dict[tuple[str, str, str], int] = defaultdict(int)
    for one in told:
        by_promise[one.case_id, one.clock, one.deadline] += 1
        if one.is_late != (one.late_ms > late_ms):
            found.append(
                f"case {one.case_id}: {one.clock} told {one.late_ms} ms after its deadline"
                f" says late_detected={one.is_late}"
            )
    found += [
        f"case {case_id}: {clock} of {deadline} was told {count} times"
        for (case_id, clock, deadline), count in by_promise.items()
        if count > 1
    ]
    return found


def _broken(said: Said, matter: Mapping[str, str]) -> Iterator[str]:
    of_case = {one["case_id"]: one["incident_id"] for one in said.get(CASES, ())}
    for one in said.get(CASE_EVENTS, ()):
        incident_id = of_case.get(one["case_id"])
        if incident_id and one["action"] in {"breached", "escalated", "unanswered"}:
            yield matter.get(incident_id, incident_id)


def _breaches(said: Said) -> dict[str, Breach]:
    return {
        one["id"]: Breach(
            one["case_id"],
            one["clock"],
            one["deadline_time"],
            one["event_time"],
            bool(one.get("late_detected")),
        )
        for one in said.get(CASE_EVENTS, ())
        if one["action"] == "breached"
    }


def _until(said: Said, topic: str, cuts: Mapping[str, int]) -> Iterator[Mapping[str, Any]]:
    """Yield what is said of incidents, before any is about something that is not compared."""
    for one in said.get(topic, ()):
        cut_ms = cuts.get(one["incident_id"])
        if cut_ms is None or instant_of(one["event_time"]) < cut_ms:
            yield one


def _more_than_one(ids: Mapping[tuple[Any, ...], set[str]]) -> int:
    return sum(len(found) - 1 for found in ids.values())
