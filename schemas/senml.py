"""SenML packs (RFC 8428): resolved into readings, item by item.

What our kinds need and SenML has no word for is taken from the name: it ends
in the kind (`urn:dev:mac:0024befffe804ff1:noise.laeq`), what stands before is
the subject. So is the A-weighting: SenML knows only `dB`. The source comes from
the record's `source` header or from a field of that name in the pack.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from schemas.instants import format_instant
from schemas.records import Reason
from schemas.refused import Refusal
from schemas.units import KINDS
from schemas.wire import explain

VERSION = 10
_RELATIVE_BELOW_S = 2**28  # RFC 8428, 4.5.3: smaller times are relative to now
_LAST_S = 253_402_300_799  # the end of the year 9999
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-:./_]*")
_BASE = ("bn", "bt", "bu", "bv", "bver")
_VALUES = ("v", "vb", "vs", "vd")


class _Item(msgspec.Struct, gc=False):
    """One record of a pack, as it stands."""

    bn: str | None = None
    bt: float | None = None
    bu: str | None = None
    bv: float | None = None
    bver: int | None = None
    n: str = ""
    t: float = 0.0
    u: str | None = None
    v: float | None = None
    vb: bool | None = None
    vs: str | None = None
    vd: str | None = None
    source: str | None = None


_DECODER = msgspec.json.Decoder(_Item)
_LABELS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def is_senml(first: bytes) -> bool:
    """Return whether the first item of a pack is a SenML record."""
    try:
        labels = _LABELS.decode(first)
    except (ValueError, RecursionError):
        return False
    return "kind" not in labels and not {"n", *_BASE, *_VALUES}.isdisjoint(labels)


class Resolver:
    """Resolves one pack: carries its base values from record to record."""

    def __init__(self, wire: type[Any], source: str, received_ms: int) -> None:
        self._wire = wire
        self._source = source
        self._received_ms = received_ms
        self._base: dict[str, Any] = {"bn": "", "bt": 0.0, "bu": None, "bv": 0.0, "bver": VERSION}
        self._unreadable: set[str] = set()

    def resolve(self, items: Sequence[bytes]) -> Iterator[tuple[int, Any]]:
        """Yield the place of each item in the pack with its reading or refusal.

        A record with base values only says no reading. One that cannot be read
        takes its base values with it: those that lean on them are refused too,
        until the value is said anew, for they might speak of another device.
        """
        for part, raw in enumerate(items):
            result = self._resolve_item(raw)
            if result is not None:
                yield part, result

    def _resolve_item(self, raw: bytes) -> Any:
        labels: dict[str, Any] = {}
        try:
            labels = _LABELS.decode(raw)
            item = _DECODER.decode(raw)
        except (ValueError, RecursionError) as error:
            self._unreadable |= labels.keys() & set(_BASE)
            return explain(error, raw)
        for label in _BASE:
            said = getattr(item, label)
            if said is not None:
                self._base[label] = said
                self._unreadable.discard(label)
        self._source = item.source or self._source
        if labels.keys() <= {*_BASE, "source"}:
            return None
        return self._refusal(labels) or self._reading(item)

    def _refusal(self, labels: dict[str, Any]) -> Refusal | None:
        binding = next((label for label in labels if label.endswith("_")), None)
        if binding is not None:
            binding = binding[:64]
            hint = f"{binding} must be understood (RFC 8428, 4.4) and is not"
            return Refusal(Reason.UNKNOWN_SCHEMA, binding, hint)
        if self._base["bver"] > VERSION:
            return Refusal(
                Reason.UNKNOWN_SCHEMA, "bver", f"SenML versions up to {VERSION} are read"
            )
        if self._unreadable:
            label = min(self._unreadable)
            return Refusal(Reason.INCOMPLETE, label, f"the base value {label} was not readable")
        said = [label for label in _VALUES if label in labels]
        if len(said) != 1:
            hint = "a reading has one value, v (or vb for a yes or no); sums are not taken"
            return Refusal(Reason.WRONG_TYPE if said else Reason.MISSING_FIELD, "v", hint)
        if said[0] in ("vs", "vd"):
            return Refusal(Reason.WRONG_TYPE, said[0], "a reading's value is a number: v")
        return None

    def _reading(self, item: _Item) -> Any:
        name = self._base["bn"] + item.n
        kind = max((k for k in KINDS if name.endswith(k)), key=len, default=None)
        if not _NAME.fullmatch(name) or len(name) > 256:  # noqa: PLR2004 - as any subject
            return Refusal(Reason.OUT_OF_RANGE, "n", f"{name[:64]!r} is no SenML name")
        if kind is None:
            hint = f"end the name in its kind, as in {name[:64]}:noise.laeq"
            return Refusal(Reason.UNKNOWN_KIND, "n", hint)
        subject, mark = name[: -len(kind) - 1], name[-len(kind) - 1 : -len(kind)]
        if not subject or mark not in ":/_-.":
            return Refusal(Reason.MISSING_FIELD, "n", f"say the device before {kind}")
        if not self._source:
            hint = "a SenML record needs the header `source`, or a field of that name"
            return Refusal(Reason.MISSING_FIELD, "source", hint)
        instant_ms = self._instant(self._base["bt"] + item.t)
        if isinstance(instant_ms, Refusal):
            return instant_ms
        return self._valued(item, kind, subject, instant_ms)

    def _valued(self, item: _Item, kind: str, subject: str, instant_ms: int) -> Any:
        spec = KINDS[kind]
        unit = item.u or self._base["bu"]
        if item.v is not None:
            value = self._base["bv"] + item.v
        elif spec.flag:
            value, unit = float(bool(item.vb)), spec.unit
        else:
            return Refusal(Reason.WRONG_TYPE, "vb", f"{kind} is a number: v")
        if unit is None:
            return Refusal(Reason.MISSING_FIELD, "u", f"unit is mandatory; {kind}: {spec.units}")
        if unit == "dB" and spec.unit == "dB(A)":
            unit = "dB(A)"
        return self._wire(
            source=self._source,
            kind=kind,
            subject=subject,
            event_time=format_instant(instant_ms),
            value=value,
            unit=unit,
        )

    def _instant(self, time_s: float) -> int | Refusal:
        if not abs(time_s) <= _LAST_S:
            return Refusal(Reason.BAD_TIME, "t", "seconds, since 1970 or relative to now")
        if time_s < _RELATIVE_BELOW_S:
            return self._received_ms + round(time_s * 1000)
        return round(time_s * 1000)
