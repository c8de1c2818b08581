"""The MQTT door: messages from a broker into Kafka, none acknowledged before it is there.

What is refused has nobody to be answered: it goes to the dead letters with its
reason, and is acknowledged when it is there. A message that comes again, because
the connection was cut before its acknowledgement, is known by intake's memory.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from typing import Final

import aiomqtt

from feeds.intake.intake import Intake
from feeds.intake.publisher import BrokerDownError, Outgoing, Publisher
from feeds.letters import letter, refusal_of
from feeds.mqtt.metrics import MqttMetrics
from feeds.mqtt.routes import Parted, Route, Routes, Unread
from feeds.mqtt.session import Login, Session
from streams.doors.verdict import Outcome, of_refusal

log = logging.getLogger(__name__)

LONGEST_BACK_OFF_S: Final = 60.0
_FIRST_BACK_OFF_S: Final = 0.2
_CALM_S: Final = 10.0
_UNROUTED: Final = "no-route"


class MqttDoor:
    """One broker's door.

    Args:
        login: The broker.
        routes: What comes by which topic.
        intake: Where events go.
        publisher: Where dead letters go.
        metrics: What happened.
    """

    def __init__(
        self,
        login: Login,
        routes: Routes,
        intake: Intake,
        publisher: Publisher,
        metrics: MqttMetrics,
    ) -> None:
        self.name = f"{'mqtts' if login.tls else 'mqtt'}://{login.host}:{login.port}"
        self._login = login
        self._routes = routes
        self._intake = intake
        self._publisher = publisher
        self._metrics = metrics

    async def run(self, over: asyncio.Event) -> None:
        """Keep the session until `over`, however often it is cut."""
        keeping = asyncio.create_task(self._keep())
        await asyncio.wait(
            {keeping, asyncio.create_task(over.wait())}, return_when=asyncio.FIRST_COMPLETED
        )
        if keeping.done():
            keeping.result()
        keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeping

    async def _keep(self) -> None:
        back_off_s = _FIRST_BACK_OFF_S
        while True:
            began_s = time.monotonic()
            try:
                await self._serve()
            except (aiomqtt.MqttError, OSError) as cut:
                calm = time.monotonic() - began_s > _CALM_S
                back_off_s = _FIRST_BACK_OFF_S if calm else back_off_s
                log.warning("%s: %s; again in %.1f s", self.name, cut, back_off_s)
            finally:
                self._metrics.connected.labels(self.name).set(0)
            self._metrics.cuts.labels(self.name).inc()
            await asyncio.sleep(back_off_s)
            back_off_s = min(back_off_s * 2, LONGEST_BACK_OFF_S)

    async def _serve(self) -> None:
        """Serve one connection until it is cut."""
        dropped = self._metrics.dropped.labels(self.name)
        async with Session(self._login, dropped) as session:
            await session.subscribe(self._routes.subscriptions())
            self._metrics.connected.labels(self.name).set(1)
            log.info("%s: connected as %s", self.name, self._login.client_id)
            while True:
                messages = await session.some()
                await self._settle(messages)
                session.acknowledge(messages)
                for message in messages:
                    self._metrics.messages.labels(self.name, str(message.qos)).inc()

    async def _settle(self, messages: Sequence[aiomqtt.Message]) -> None:
        """Bring messages to Kafka, or their refusals, however long it is away."""
        now_ms = time.time_ns() // 1_000_000
        run: list[tuple[Route, str, Parted]] = []
        for message in messages:
            topic = message.topic.value
            found = self._routes.of(topic)
            if found is None:
                self._metrics.set_aside.labels(self.name, _UNROUTED).inc()
                continue
            route, said = found
            payload = message.payload if isinstance(message.payload, bytes) else b""
            parted = self._routes.part(route, said, payload, now_ms)
            if run and (run[-1][0] is not route or run[-1][2].sender != parted.sender):
                await self._take(run, now_ms)
                run = []
            run.append((route, topic, parted))
        await self._take(run, now_ms)

    async def _take(self, run: Sequence[tuple[Route, str, Parted]], now_ms: int) -> None:
        """Take messages of one route and sender together, in their order."""
        if not run:
            return
        items = [(topic, item) for _, topic, parted in run for item in parted.items]
        route, _, first = run[0]
        raws = [item for _, item in items]
        verdicts = None
        while raws and verdicts is None:
            try:
                verdicts = await self._intake.take(raws, first.sender, now_ms, route.record)
            except BrokerDownError as down:
                await asyncio.sleep(down.retry_after_s)
        unread = [(topic, one) for _, topic, parted in run for one in parted.unread]
        self._note(first.sender.only_source, unread, now_ms)
        unread += [
            (topic, Unread(refusal_of(verdict.code, verdict.field, verdict.hint), item))
            for (topic, item), verdict in zip(items, verdicts or (), strict=True)
            if verdict.outcome is Outcome.REJECTED
        ]
        await self._refuse(route, unread, now_ms)

    def _note(self, source: str, unread: Sequence[tuple[str, Unread]], now_ms: int) -> None:
        """Put what was refused before it was judged on the source's feed page."""
        for _, one in unread:
            if not one.is_everyday:
                verdict = of_refusal(one.refusal)
                self._intake.ledger.refuse(source, verdict, one.kept, now_ms)

    async def _refuse(
        self, route: Route, unread: Sequence[tuple[str, Unread]], now_ms: int
    ) -> None:
        letters: list[Outgoing] = []
        for topic, one in unread:
            if one.is_everyday:
                self._metrics.set_aside.labels(self.name, one.refusal.reason).inc()
            else:
                came_by = f"{self.name}/{topic}"
                letters.append(letter(route.topic, one.kept, one.refusal, came_by, now_ms))
        while letters:
            try:
                await self._publisher.publish_many(letters)
                break
            except BrokerDownError as down:
                await asyncio.sleep(down.retry_after_s)
        for topic, one in unread:
            if not one.is_everyday:
                self._metrics.refused.labels(self.name, one.refusal.reason).inc()
                log.info("%s: refused on %s: %s", self.name, topic, one.refusal)
