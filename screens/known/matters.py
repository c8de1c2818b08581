"""The matters: alerts, incidents, cases, orders and what else comes as whole records."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from schemas.dispatch import CaseState
from screens.hub.items import Item, ItemTable
from screens.hub.subscription import Layer
from screens.hub.table import Place
from screens.known.atlas import Atlas
from streams.matters.cases import ENDED

Wire = Mapping[str, Any]

_HOUR_MS = 3_600_000
_MESSAGES_KEPT = 10_000
"""Of alerts, to know those that come again: after a crash these are some of the newest."""
_OVER_LEVEL = 2


class Form(NamedTuple):
    """How a layer's records are kept.

    Attributes:
        key: The field that names the entity.
        ended: Whether a record ends its entity.
        keep_ms: For how long an ended one stays on screens.
        most: Entities kept at most.
    """

    key: str
    ended: Callable[[Wire], bool]
    keep_ms: int
    most: int


def _never(_: Wire) -> bool:
    return False


def _alert_ended(wire: Wire) -> bool:
    return wire.get("transition") in {"clear", "notice"}


def _case_ended(wire: Wire) -> bool:
    return wire.get("state") in ENDED


def _order_ended(wire: Wire) -> bool:
    return wire.get("state") in ENDED | {CaseState.RETURNED}


FORMS: Mapping[Layer, Form] = {
    Layer.ALERTS: Form("alert_id", _alert_ended, _HOUR_MS, 20_000),
    Layer.INCIDENTS: Form(
        "incident_id", lambda wire: wire.get("state") == "resolved", 6 * _HOUR_MS, 20_000
    ),
    Layer.CASES: Form("case_id", _case_ended, 6 * _HOUR_MS, 20_000),
    Layer.ORDERS: Form("order_id", _order_ended, _HOUR_MS, 20_000),
    Layer.REMINDERS: Form("reminder_id", lambda _: True, 24 * _HOUR_MS, 5_000),
    Layer.COMMANDS: Form("command_id", lambda _: True, _HOUR_MS, 5_000),
    Layer.KPI: Form("subject", _never, 0, 2_000),
}


class Matters(ItemTable):
    """One layer of records: of two about one entity the newer stays, ended ones go in time."""

    def __init__(self, layer: Layer, atlas: Atlas) -> None:
        self.form = FORMS[layer]
        super().__init__(layer, atlas.communities, self.form.most)
        self._atlas = atlas
        self._over: dict[str, int] = {}
        self._messages: OrderedDict[str, None] = OrderedDict()

    def take(self, wire: Wire, now_ms: int, place: Place | None = None) -> bool:
        """Take in a record; return whether it is news.

        Args:
            wire: As on the wire.
            now_ms: The record's own time on the broker, from which an ended one ages.
            place: Where it counts, if not where it says.
        """
        name = str(wire.get(self.form.key) or "")
        if not name:
            return False
        before = self.get(name)
        if not self._is_news(name, wire, before):
            return False
        ended = self.form.ended(wire)
        if wire.get("transition") == "correction" and before is not None:
            ended = not before["open"]  # it restates the message before it
        body = {**wire, "id": name, "updated": wire.get("event_time"), "open": not ended}
        if "id" in wire and wire["id"] != name:
            body["message_id"] = wire["id"]
        self._over.pop(name, None)
        if ended:
            self._over[name] = now_ms
        at = self._atlas.of_record(wire) if place is None else place
        kind = str(wire.get("incident_kind") or wire.get("kind") or "")
        self.put(Item(name, body, at, kind, 0 if ended else _OVER_LEVEL))
        return True

    def _is_news(self, name: str, wire: Wire, before: Wire | None) -> bool:
        """Whether a record is not a repeat, nor older than what is known.

        Alerts have no revision that runs through their messages: their order is the
        topic's, and a message that comes again after a crash has an id that was seen.
        """
        if self.layer is not Layer.ALERTS:
            order = _order(wire)  # also of the first one: it will be compared with
            return before is None or order >= _order(before)
        message = f"{name} {wire.get('id') or ''}"
        if message in self._messages:
            return False
        self._messages[message] = None
        if len(self._messages) > _MESSAGES_KEPT:
            self._messages.popitem(last=False)
        return True

    def age(self, now_ms: int) -> None:
        """Let go of what ended long ago."""
        for name, ended_ms in list(self._over.items()):
            if now_ms - ended_ms < self.form.keep_ms:
                break
            self.drop(name)

    def drop(self, name: str) -> None:
        self._over.pop(name, None)
        super().drop(name)


def _order(wire: Wire) -> tuple[int, str]:
    return int(wire.get("revision") or 0), str(wire.get("event_time") or "")
