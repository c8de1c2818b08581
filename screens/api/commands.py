"""Acting: a command goes to its topic, and its answer comes as an item of layer `commands`."""

import asyncio
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

import orjson
from aiohttp import web
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas import topics
from schemas.codec import Refused as NotRead
from schemas.codec import decode, encode
from schemas.commands import CaseAction, CaseCommand
from schemas.envelope import Envelope
from schemas.incidents import IncidentCommand
from schemas.instants import format_instant
from schemas.wire import wire_fields
from screens.access.people import Person
from screens.api.seen import sees
from screens.api.session import may
from screens.hub.subscription import Layer
from screens.web import (
    ACCOUNTS,
    AUDIT,
    KNOWLEDGE,
    METRICS,
    SETTINGS,
    Refused,
    json_answer,
    json_of,
    person_of,
    remote_of,
)

routes = web.RouteTableDef()
_WITHIN_S = 5.0
_CLOSE_S = 3.0
_SOURCE = "screens"


class _Kind(NamedTuple):
    """What one kind of command needs: its topic, its record, where what it is about is kept."""

    topic: str
    record: type[Envelope]
    layer: Layer
    target: str


_KINDS: Mapping[str, _Kind] = {
    "case": _Kind(topics.CASE_COMMANDS, CaseCommand, Layer.CASES, "subject"),
    "incident": _Kind(topics.INCIDENT_COMMANDS, IncidentCommand, Layer.INCIDENTS, "incident_id"),
}
# Ours to say, not the sender's.
_OWN = frozenset({"by", "role", "source", "kind", "event_time", "ingest_time", "schema", "trace"})


class Sender:
    """Puts commands on their topics; it connects when the first one is sent."""

    def __init__(self, broker: str) -> None:
        self._broker = broker
        self._producer: AIOKafkaProducer | None = None
        self._one_at_a_time = asyncio.Lock()

    async def send(self, topic: str, key: bytes, value: bytes) -> None:
        """Send, and wait until all replicas have it.

        Raises:
            KafkaError, TimeoutError: It may or may not be there: send it again.
        """
        async with asyncio.timeout(_WITHIN_S):
            producer = await self._connected()
            await producer.send_and_wait(topic, value, key=key)

    async def close(self) -> None:
        """Let go of the broker; one that is away is not waited for."""
        if self._producer is not None:
            with suppress(TimeoutError, KafkaError):
                await asyncio.wait_for(self._producer.stop(), _CLOSE_S)

    async def _connected(self) -> AIOKafkaProducer:
        async with self._one_at_a_time:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    bootstrap_servers=self._broker, acks="all", enable_idempotence=True
                )
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            return self._producer


SENDER = web.AppKey("sender", Sender)


@routes.post("/api/v1/commands")
async def command(request: web.Request) -> web.Response:
    """Send a command; 202 says that it is on its topic, not that it was done."""
    said = await json_of(request)
    return json_answer({"command_id": await give(request, said)}, 202)


async def give(request: web.Request, said: Mapping[str, Any]) -> str:
    """Put the command that `said` describes on its topic; return its id.

    Raises:
        Refused: It is none, or not for who asks; or the broker did not take it.
    """
    person, fields = person_of(request), dict(said)
    kind = _KINDS.get(str(fields.pop("topic", "")))
    if kind is None:
        raise Refused(400, "bad-command", f"topic: one of {', '.join(_KINDS)}")
    record = _record(request, kind, person, fields)
    _check_area(request, kind, person, record)
    _check_second(request, record)
    await send(request, kind.topic, record)
    return record.id


async def send(request: web.Request, topic: str, record: Envelope) -> None:
    """Put a command on its topic, and into the audit log before.

    Raises:
        Refused: The broker did not take it; it may be sent again with the same id.
    """
    app, person = request.app, person_of(request)
    knowledge = app[KNOWLEDGE]
    action = str(getattr(record, "action", ""))
    app[AUDIT].write(
        {
            "at": format_instant(record.event_time_ms),
            "what": "command",
            "user": person.user,
            "role": person.role,
            "topic": topic,
            "command_id": record.id,
            "action": action,
            "subject": record.subject,
            "reason": str(getattr(record, "reason", "")),
            "from": remote_of(request),
        }
    )
    knowledge.expect_reply(record.id, person.areas[0])
    try:
        await app[SENDER].send(
            app[SETTINGS].prefix + topic, knowledge.city.code.encode(), encode(record)
        )
    except (KafkaError, TimeoutError):
        hint = f"Kafka does not take it now; send it again with id {record.id}"
        raise Refused(503, "broker", hint, {"Retry-After": "5"}) from None
    app[METRICS].commands.labels(topic, action).inc()


def _record(request: web.Request, kind: _Kind, person: Person, said: Mapping[str, Any]) -> Envelope:
    """Return the command as its contract wants it, signed with who sends it."""
    known = {field.wire_name for field in wire_fields(kind.record)} - _OWN
    if unknown := sorted(said.keys() - known):
        raise Refused(400, "bad-command", f"no field {unknown[0]!r}; there are {sorted(known)}")
    action = str(said.get("action") or "")
    if action not in may(person.role):
        raise Refused(403, "role", f"a {person.role} may not ask for {action[:40]!r}")
    now_ms = time.time_ns() // 1_000_000
    target = str(said.get(kind.target) or "")
    whole = {
        "subject": target or request.app[KNOWLEDGE].city.code,
        **said,
        "id": str(said.get("id") or uuid.uuid4()),
        "by": person.user,
        "role": person.role,
        "source": _SOURCE,
        "kind": f"{kind.topic.partition('.')[0]}.command",
        "event_time": format_instant(now_ms),
    }
    try:
        return decode(kind.record, orjson.dumps(whole))
    except NotRead as refused:
        why = refused.refusal
        raise Refused(400, "bad-command", f"{why.field or 'command'}: {why.hint}") from None


def _check_area(request: web.Request, kind: _Kind, person: Person, record: Envelope) -> None:
    """Refuse what lies outside the areas of who asks; an unknown target is left to its agent."""
    if person.scope is None:
        return
    knowledge = request.app[KNOWLEDGE]
    target = str(getattr(record, kind.target, "") or record.subject)
    item = knowledge.matters[kind.layer].item(target)
    is_about_one = getattr(record, "action", "") != CaseAction.STATUS
    if is_about_one and (item is None or not sees(request, *item.place.communities)):
        raise Refused(404, "not-found", f"there is no {kind.layer} {target[:80]!r} in your areas")
    unit = str(getattr(record, "unit", ""))
    served = knowledge.city.roster.units.get(unit)
    if unit and (served is None or not sees(request, knowledge.atlas.of_area(served.area))):
        raise Refused(403, "unit", f"{unit!r} is no unit of your areas")


def _check_second(request: web.Request, record: Envelope) -> None:
    """Refuse a second signature of nobody who could have signed first."""
    second, action = str(getattr(record, "second", "")), str(getattr(record, "action", ""))
    if not second:
        return
    account = request.app[ACCOUNTS].get(second)
    if account is None or action not in may(account.role):
        hint = f"{second[:80]!r} is no user who may ask for {action!r}; name one who signs with you"
        raise Refused(403, "second", hint)
