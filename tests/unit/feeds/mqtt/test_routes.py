"""Topic templates, and what a message's topic says about its events."""

import json

import pytest

from feeds.cameras.platforms import Platforms
from feeds.mqtt.routes import MOST_BYTES, Route, Routes
from feeds.mqtt.template import Template
from schemas.records import Reason
from streams.city.platforms import Format, Platform, Watched

NOW_MS = 1_777_638_600_000


@pytest.mark.parametrize(
    ("template", "topic", "said"),
    [
        ("city/{source}/{device}/reading", "city/noise/n-1/reading", ("noise", "n-1")),
        ("city/{source}/{device}/reading", "city/noise/reading", None),
        ("city/{source}/{device}/reading", "city/noise//reading", None),
        ("city/{source}/{device}/#", "city/noise/n-1/a/b", ("noise", "n-1")),
        ("city/{source}/{device}/#", "city/noise/n-1", ("noise", "n-1")),
        ("+/{source}/{device}", "x/noise/n-1", ("noise", "n-1")),
        ("+/{source}/{device}", "x/noise/n-1/y", None),
    ],
)
def test_a_template_fits_whole_topics_and_names_their_levels(template, topic, said):
    found = Template(template).match(topic)

    assert (found and (found["source"], found["device"])) == said


def test_a_template_subscribes_with_wildcards():
    assert Template("city/{source}/{device}/#").subscription == "city/+/+/#"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("city/{sorce}", "{source}"),
        ("city/x{source}", "nothing else"),
        ("a/#/b", "at the end"),
        ("a/b+", "alone"),
        ("{kind}/{kind}", "twice"),
        ("", "end only"),
    ],
)
def test_what_is_no_template_says_why(text, why):
    with pytest.raises(ValueError, match=why):
        Template(text)


def routes(template="city/{source}/{device}/reading", sources=("*",), platform=""):
    smoke = Watched(label="smoke", kind="smoke.seen")
    hub = Platform(format=Format.FRIGATE, source="eyes", cameras={"gate": "k1"}, findings=(smoke,))
    what = "" if platform else "reading"
    route = Route(Template(template), what, platform, sources)
    return Routes([route], Platforms({"hub": hub}, b""))


def part(payload, topic="city/noise/n-1/reading", **given):
    known = routes(**given)
    found = known.of(topic)
    assert found is not None
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return known.part(*found, body, NOW_MS)


def test_what_the_topic_says_is_filled_in_and_the_rest_stays_as_sent():
    parted = part({"kind": "noise.laeq", "value": 60.10})

    assert parted.sender.sources == ("noise",)
    assert [json.loads(item) for item in parted.items] == [
        {"source": "noise", "subject": "n-1", "kind": "noise.laeq", "value": 60.1}
    ]
    assert json.loads(part({}).items[0]) == {"source": "noise", "subject": "n-1"}


def test_an_item_that_says_the_same_stays_byte_for_byte():
    raw = b'{"subject": "n-1",  "source":"noise"}'

    assert part(raw).items == [raw]


@pytest.mark.parametrize("field", ["source", "subject"])
def test_an_item_that_says_otherwise_than_its_topic_is_refused(field):
    parted = part([{field: "another's"}, {"value": 1}])

    assert len(parted.items) == 1
    assert [(one.refusal.reason, one.refusal.field) for one in parted.unread] == [
        (Reason.REFUSED_AT_DOOR, field)
    ]
    assert parted.unread[0].kept == b'{"field": "another\'s"}'.replace(b"field", field.encode())


def test_a_fixed_source_is_filled_in_where_the_topic_names_none():
    parted = part({"value": 1}, topic="n/7", template="n/{device}", sources=("iot",))

    assert json.loads(parted.items[0]) == {"source": "iot", "subject": "7", "value": 1}
    assert parted.sender.sources == ("iot",)


def test_a_source_that_the_route_does_not_take_speaks_for_nobody():
    assert part({}, sources=("iot", "gas")).sender.sources == ()


@pytest.mark.parametrize("payload", [b"", b"[" * 5000])
def test_a_payload_that_has_no_items_is_unread_and_kept_whole(payload):
    parted = part(payload)

    assert parted.items == []
    assert [one.kept for one in parted.unread] == [payload]


def test_a_payload_beyond_all_size_is_refused_before_it_is_read():
    parted = part(b"[" + b" " * MOST_BYTES)

    assert [one.refusal.reason for one in parted.unread] == [Reason.TOO_LARGE]


def test_a_camera_platforms_message_becomes_detections_and_is_never_kept_itself():
    event = {"id": "1.5-a", "camera": "gate", "frame_time": 1777638600.5, "label": "smoke"}
    given = {"topic": "frigate/events", "template": "frigate/events", "platform": "hub"}
    seen = part({"type": "new", "after": event}, **given)
    other = part({"type": "new", "after": event | {"camera": "x", "sub_label": "Li"}}, **given)
    person = part({"type": "new", "after": event | {"label": "person"}}, **given)

    (item,) = map(json.loads, seen.items)
    assert (item["kind"], item["subject"], seen.sender.sources) == ("smoke.seen", "k1", ("eyes",))
    assert b"Li" not in other.unread[0].kept
    assert [one.is_everyday for one in (*other.unread, *person.unread)] == [False, True]
