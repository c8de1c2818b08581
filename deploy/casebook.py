"""The cases of a cluster, as read from their topics; and commands to them."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any, NamedTuple

import msgspec

from deploy import topic_reader
from deploy.errors import Fault
from deploy.render import decode
from schemas import codec
from schemas.commands import CaseCommand
from schemas.topics import CASE_COMMANDS, CASE_EVENTS, CASE_REPLIES, CASES_LATEST, UNITS_STATUS
from streams.matters.chain import Chains, Finding


class Casebook(NamedTuple):
    """All cases that are kept: their newest records, their steps, what is wrong with these."""

    records: Mapping[str, Mapping[str, Any]]
    chains: Chains
    findings: list[Finding]

    def find(self, start: str) -> str:
        """Return the id of the one case whose id begins so.

        Raises:
            Fault: There is none, or more than one.
        """
        found = sorted(case_id for case_id in self.records if case_id.startswith(start))
        if len(found) == 1:
            return found[0]
        if not found:
            raise Fault(
                f"No case begins with {start!r}", "See which there are: citybrain case list"
            )
        raise Fault(
            f"{len(found)} cases begin with {start!r}: {', '.join(found[:3])} …",
            "Give more of the id.",
        )


async def whole_id(address: str, prefix: str, start: str) -> str:
    """Return the id of the one case whose id begins so; Fault as in `Casebook.find`."""
    return Casebook(await records(address, prefix), Chains(), []).find(start)


async def records(address: str, prefix: str) -> dict[str, Mapping[str, Any]]:
    """Return the newest record of each case: the last one written, for it has one writer."""
    newest: dict[str, Mapping[str, Any]] = {}
    for value in await _values(address, prefix + CASES_LATEST):
        fields = decode(value)
        if fields is not None:
            newest[fields["case_id"]] = fields
    return newest


async def units(address: str, prefix: str) -> dict[str, Mapping[str, Any]]:
    """Return the newest status of each unit that ever had an order or said how it stands."""
    newest: dict[str, Mapping[str, Any]] = {}
    for value in await _values(address, prefix + UNITS_STATUS):
        fields = decode(value)
        if fields is not None:
            newest[fields["subject"]] = fields
    return newest


async def read(address: str, prefix: str) -> Casebook:
    """Return all cases with their steps, each step checked."""
    chains, rewritten = Chains(), []
    for value in await _values(address, prefix + CASE_EVENTS):
        try:
            wire = msgspec.json.decode(value, type=dict[str, Any])
        except msgspec.DecodeError:
            rewritten.append(Finding("", -1, "changed"))
            continue
        if msgspec.json.encode(wire) != value:
            rewritten.append(Finding(str(wire.get("case_id")), int(wire.get("seq", 0)), "changed"))
        chains.take(wire)
    newest = await records(address, prefix)
    ends = {
        key: (int(fields.get("events", 0)), str(fields.get("last_hash", "")))
        for key, fields in newest.items()
    }
    return Casebook(newest, chains, sorted({*rewritten, *chains.findings(ends)}))


async def command(
    address: str, prefix: str, city: str, order: CaseCommand, timeout_s: float
) -> Mapping[str, Any] | None:
    """Send a command and return its reply; None when none came in time."""
    replies = topic_reader.read(
        address, [prefix + CASE_REPLIES], from_beginning=False, timeout_s=timeout_s
    )
    sent: asyncio.Task[None] | None = None
    async with aclosing(replies):
        async for batch in replies:
            if sent is None:  # only now is the reader where the reply will be
                sent = asyncio.create_task(_send(address, prefix + CASE_COMMANDS, city, order))
                await sent
            for record in batch:
                fields = decode(record.value)
                if fields is not None and fields.get("command_id") == order.id:
                    return fields
    return None


async def _send(address: str, topic: str, city: str, order: CaseCommand) -> None:
    async with topic_reader.producer(address) as sender:
        await sender.send_and_wait(topic, codec.encode(order), key=city.encode())


async def _values(address: str, topic: str) -> list[bytes]:
    reader = topic_reader.read(address, [topic], from_beginning=True, until_end=True)
    return [record.value async for batch in reader for record in batch if record.value is not None]
