"""ONVIF: notification messages, as XML (`wsnt:NotificationMessage`) or as gateways' JSON.

A label is the topic without its namespaces, `RuleEngine/LineDetector/Crossed`,
and the topic with what the data say is there: `...:Vehicle` (ClassTypes),
`...:IsVehicle` (a truth value). The place is the rule's name. A notification
names tokens of its own device only, so the door says which camera it comes from.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

from feeds.cameras.finding import Finding, Said, is_person, json_object, no_person, utc_instant
from feeds.cameras.xml import child_text, local_name, parse
from schemas.records import Reason
from schemas.refused import Refusal

_TOKENS = ("VideoSourceConfigurationToken", "VideoSourceToken", "Source")
_COUNTS = ("Count", "ObjectCount", "PeopleCount")
_ABOUT_PERSONS = frozenset({"peopledetector", "facedetector", "isperson"})


class Notification(NamedTuple):
    """One notification, whatever form it came in."""

    topic: str
    source: Mapping[str, str]
    data: Mapping[str, str]
    utc_time: str
    operation: str


def read(body: bytes) -> list[Said]:
    """Return what the notifications of one body say."""
    if body.lstrip()[:1] == b"<":
        root = parse(body)
        told = root if isinstance(root, Refusal) else list(_of_xml(root))
    else:
        raw = json_object(body)
        told = raw if isinstance(raw, Refusal) else [_of_json(raw)]
    if isinstance(told, Refusal):
        return [told]
    if not told:
        hint = "a body holds wsnt:NotificationMessage elements"
        return [Refusal(Reason.MISSING_FIELD, "NotificationMessage", hint)]
    return [said for one in told for said in _said(one)]


def _said(told: Notification) -> Iterator[Said]:
    at_ms = utc_instant(told.utc_time, "UtcTime")
    if not told.topic:
        yield Refusal(Reason.MISSING_FIELD, "Topic", "say the topic of the notification")
    elif told.operation == "Deleted":
        yield Refusal(Reason.NO_FINDING, "PropertyOperation", "a deleted property finds nothing")
    elif isinstance(at_ms, Refusal):
        yield at_ms
    elif any(_names_person(step) for step in told.topic.split("/")):
        yield no_person()
    else:
        yield from _findings(told, at_ms)


def _findings(told: Notification, at_ms: int) -> Iterator[Said]:
    classes = told.data.get("ClassTypes", "").replace(",", " ").split()
    flags = [name for name, value in told.data.items() if value.lower() == "true"]
    off = [name for name, value in told.data.items() if value.lower() == "false"]
    if "ClassTypes" in told.data and not classes:
        yield Refusal(Reason.NO_FINDING, "ClassTypes", "no class: the scene is empty again")
        return
    if off and not flags:
        yield Refusal(Reason.NO_FINDING, off[0], "false: what was there is gone")
        return
    count = next((told.data[name] for name in _COUNTS if told.data.get(name, "").isdigit()), None)
    camera = next((told.source[name] for name in _TOKENS if told.source.get(name)), "")
    for word in classes or flags or [""]:
        if _names_person(word):
            yield no_person()
            continue
        yield Finding(
            camera=camera,
            labels=(told.topic, f"{told.topic}:{word}") if word else (told.topic,),
            at_ms=at_ms,
            event=f"{told.source.get('Rule', '')}@{at_ms}",
            places=tuple(told.source[name] for name in ("Rule",) if name in told.source),
            many=int(count) if count is not None and len(count) < 10 else None,  # noqa: PLR2004
        )


def _names_person(word: str) -> bool:
    return is_person(word) or word.lower() in _ABOUT_PERSONS


def _topic(text: str) -> str:
    return "/".join(step.rpartition(":")[2] for step in text.strip().split("/"))


def _of_xml(root: Element) -> Iterator[Notification]:
    for one in root.iter():
        if local_name(one) != "NotificationMessage":
            continue
        inner = next((e for e in one.iter() if "UtcTime" in e.attrib), one)
        yield Notification(
            _topic(child_text(one, "Topic")),
            _xml_items(inner, "Source"),
            _xml_items(inner, "Data"),
            inner.get("UtcTime", ""),
            inner.get("PropertyOperation", ""),
        )


def _xml_items(message: Element, part: str) -> dict[str, str]:
    return {
        item.get("Name", ""): item.get("Value", "")
        for group in message
        if local_name(group) == part
        for item in group
        if local_name(item) == "SimpleItem"
    }


def _of_json(raw: Mapping[str, Any]) -> Notification:
    inner = _inner(raw.get("Message"))
    return Notification(
        _topic(_text(_inner_text(raw.get("Topic")))),
        _json_items(inner.get("Source")),
        _json_items(inner.get("Data")),
        _text(inner.get("UtcTime")),
        _text(inner.get("PropertyOperation")),
    )


def _inner(message: object) -> Mapping[str, Any]:
    """Return a message without the wrappers that SOAP libraries put around it."""
    while isinstance(message, dict) and isinstance(message.get("_value_1"), dict):
        message = message["_value_1"]
    return message if isinstance(message, dict) else {}


def _inner_text(topic: object) -> object:
    return topic.get("_value_1") if isinstance(topic, dict) else topic


def _json_items(group: object) -> dict[str, str]:
    items = group.get("SimpleItem") if isinstance(group, dict) else None
    return {
        _text(item.get("Name")): _text(item.get("Value"))
        for item in (items if isinstance(items, list) else ())
        if isinstance(item, dict)
    }


def _text(value: object) -> str:
    return value[:256] if isinstance(value, str) else ""
