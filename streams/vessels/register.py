"""Vessels: what an identity stands for, the register, and what vessels say.

An MMSI's first digits say what carries it (ITU-R M.585); not all that send
positions are vessels. The register is the city's own and is believed first:
a class B unit may say any ship type.
"""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum

import msgspec

BEIDOU_PREFIX = "bd:"
_MMSI_DIGITS = 9

# A beacon on a net calls itself by its battery: "SHUNFA88-97%", "6-12.4V" [ttship.com].
_NET_MARKER = re.compile(
    r"(\d{1,3}%|\d\.\d ?V|-\d{1,2}V)$|^(NET|WANG ?WEI)\b|网位仪", re.IGNORECASE
)

_FISHING = 30
"""Ship type of a fishing vessel, M.1371-5 table 53."""


class VesselClass(StrEnum):
    """What a subject of the vessel topics is."""

    SHIP = "ship"
    BEIDOU = "beidou"
    CRAFT = "craft-of-a-mother-ship"
    HANDHELD = "handheld"
    DISTRESS = "distress-device"
    AID = "aid-to-navigation"
    AIRCRAFT = "search-and-rescue-aircraft"
    COAST = "coast-station"
    GROUP = "group"
    NET_MARKER = "net-marker"
    UNKNOWN = "unknown"


VESSELS = frozenset({VesselClass.SHIP, VesselClass.BEIDOU, VesselClass.CRAFT})
"""What the rules about vessels look at; all else is kept off them."""

_PREFIXES = (
    ("970", VesselClass.DISTRESS),
    ("972", VesselClass.DISTRESS),
    ("974", VesselClass.DISTRESS),
    ("111", VesselClass.AIRCRAFT),
    ("99", VesselClass.AID),
    ("98", VesselClass.CRAFT),
    ("00", VesselClass.COAST),
    ("8", VesselClass.HANDHELD),
    ("0", VesselClass.GROUP),
)
DISTRESS_DEVICES: Mapping[str, str] = {"970": "SART", "972": "MOB", "974": "EPIRB"}
"""Identity prefix to device, ITU-R M.585 and M.1371-5 annex 9."""


def class_of(subject: str) -> VesselClass:
    """Return what the identity says that it is; a ship's begins with 2 to 7."""
    if subject.startswith(BEIDOU_PREFIX):
        return VesselClass.BEIDOU
    if len(subject) != _MMSI_DIGITS or not (subject.isascii() and subject.isdigit()):
        return VesselClass.UNKNOWN
    for prefix, found in _PREFIXES:
        if subject.startswith(prefix):
            return found
    return VesselClass.SHIP if subject[0] in "234567" else VesselClass.UNKNOWN


class VesselRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A vessel as the city's register has it.

    Attributes:
        code: The register's own number.
        mmsi: Nine digits, or "" for a boat without AIS.
        beidou: Number of its BeiDou terminal, "" for none.
        kind: `fishing`, `ferry`, ...
        gear: `trawl`, `purse-seine`, `gillnet`, `small-stow-net`,
            `hook-and-line`, `pots`, or `net-marker` for a beacon on a net.
        home_harbour: Id of a fence.
        length_m: Over all.
        permits: Names of special permits; the season that honours one dates it.
        skipper, phone: Personal: shown by role only, never put in an alert.
    """

    code: str
    name: str
    mmsi: str = ""
    beidou: str = ""
    call_sign: str = ""
    kind: str = ""
    gear: str = ""
    home_harbour: str = ""
    length_m: float | None = None
    permits: tuple[str, ...] = ()
    skipper: str = ""
    phone: str = ""


def register(records: Iterable[VesselRecord]) -> dict[str, VesselRecord]:
    """Return the register by subject: a vessel stands under its MMSI and its BeiDou id.

    Raises:
        ValueError: Two vessels with one identity, or one with none.
    """
    found: dict[str, VesselRecord] = {}
    for record in records:
        subjects = [record.mmsi] if record.mmsi else []
        subjects += [f"{BEIDOU_PREFIX}{record.beidou}"] if record.beidou else []
        if not subjects:
            raise ValueError(f"vessel {record.code!r} has neither MMSI nor BeiDou number")
        for subject in subjects:
            if subject in found:
                raise ValueError(f"two vessels are registered as {subject}")
            found[subject] = record
    return found


def gear_of(record: VesselRecord | None, said: str, ship_type: int | None) -> tuple[str, str]:
    """Return (gear, who says so): the register first, then what the vessel said."""
    if record is not None and record.gear:
        return record.gear, "registered"
    if said:
        return said, "said"
    if ship_type == _FISHING:
        return "fishing", "said"
    return "", "unknown"


def is_net_marker(name: str) -> bool:
    """Return whether a vessel's name is that of a beacon on a net."""
    return bool(_NET_MARKER.search(name))


def title(subject: str, record: VesselRecord | None) -> str:
    """Return how a sentence names a vessel: `浙苍渔01234（412400001）`."""
    return f"{record.name}（{subject}）" if record else f"未登记船（{subject}）"
