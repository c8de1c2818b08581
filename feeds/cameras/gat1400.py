"""GA/T 1400: notifications of an image information database (视图库), `POST /VIID/…`.

A body is `XxxListObject` with objects `XxxObject`. A label is the object's name
in small letters (`motorvehicle`); places are its tollgate and lane. Times are
`yyyymmddHHMMSS`, local, without a zone. Persons and faces are refused, plates
only hashed, and the pictures in `SubImageList` never read.
"""

from collections.abc import Mapping
from typing import Any

from feeds.cameras.finding import (
    Finding,
    Said,
    is_person,
    json_object,
    local_instant,
    no_person,
    text_of,
)
from schemas.records import Reason
from schemas.refused import Refusal

_TIMES = ("PassTime", "AppearTime", "EventTime", "ShotTime")
_LIST, _OBJECT = "ListObject", "Object"


def read(body: bytes) -> list[Said]:
    """Return what the objects of one body say."""
    told = json_object(body)
    if isinstance(told, Refusal):
        return [told]
    said: list[Said] = []
    for name, group in told.items():
        if not name.endswith(_LIST) or not isinstance(group, dict):
            continue
        word = name.removesuffix(_LIST)
        found = group.get(word + _OBJECT, [])
        objects = found if isinstance(found, list) else [found]
        said += [_finding(word.lower(), one) for one in objects]
    hint = "a body holds MotorVehicleListObject or another XxxListObject, with its objects"
    return said or [Refusal(Reason.MISSING_FIELD, "MotorVehicleListObject", hint)]


def _finding(word: str, one: object) -> Said:
    if is_person(word):
        return no_person()
    if not isinstance(one, dict):
        return Refusal(Reason.WRONG_TYPE, f"{word}object", "an object expected")
    field = next((name for name in _TIMES if one.get(name)), "PassTime")
    at_ms = local_instant(one.get(field), "%Y%m%d%H%M%S", field)
    if isinstance(at_ms, Refusal):
        return at_ms
    return Finding(
        camera=text_of(one, "DeviceID"),
        labels=(word,),
        at_ms=at_ms,
        event=_id_of(word, one),
        places=_places(one),
        snapshot=text_of(one, "StorageUrl1") or None,
        plate=text_of(one, "PlateNo") if text_of(one, "HasPlate") != "0" else "",
    )


def _id_of(word: str, one: Mapping[str, Any]) -> str:
    own = (text_of(one, name) for name in one if name.lower() == f"{word}id")
    return next(own, "") or text_of(one, "SourceID")


def _places(one: Mapping[str, Any]) -> tuple[str, ...]:
    gate, lane = text_of(one, "TollgateID"), text_of(one, "LaneNo")
    return tuple(filter(None, (gate, f"{gate}/{lane}" if gate and lane else "")))
