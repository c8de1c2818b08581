"""The cases of a cluster, as read from their topics."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from deploy import topic_reader
from deploy.errors import Fault
from deploy.render import decode
from schemas.topics import CASE_EVENTS, CASES_LATEST, UNITS_STATUS
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
    return await _newest(address, prefix + CASES_LATEST, "case_id")


async def units(address: str, prefix: str) -> dict[str, Mapping[str, Any]]:
    """Return the newest status of each unit that ever had an order or said how it stands."""
    return await _newest(address, prefix + UNITS_STATUS, "subject")


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


async def _newest(address: str, topic: str, name: str) -> dict[str, Mapping[str, Any]]:
    """Return the last record of each that a topic tells of, by the field that names it."""
    decoded = map(decode, await _values(address, topic))
    return {fields[name]: fields for fields in decoded if fields is not None}


async def _values(address: str, topic: str) -> list[bytes]:
    reader = topic_reader.read(address, [topic], from_beginning=True, until_end=True)
    return [record.value async for batch in reader for record in batch if record.value is not None]
