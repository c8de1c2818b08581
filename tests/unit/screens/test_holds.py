"""Silences and modes in force, as the gateway folds them from commands and answers."""

from itertools import permutations
from typing import Any

import numpy as np
import orjson
import pytest

from deploy.cities import load_city
from schemas import topics
from schemas.instants import format_instant
from schemas.records import RawBatch
from screens.hub.subscription import Layer, parse
from screens.known.atlas import Atlas
from screens.known.holds import Holds
from screens.known.knowledge import Knowledge

NOW_MS = 1_804_077_000_000
HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def atlas() -> Atlas:
    return Atlas(load_city())


def asked(name: str, action: str, **said: Any) -> dict[str, Any]:
    signed = {"by": "chen", "role": "desk", "reason": "known works"}
    return {"id": name, "action": action, **signed, **said}


def answered(name: str, action: str, *, accepted: bool = True) -> dict[str, Any]:
    said = {"command_id": name, "action": action, "accepted": accepted}
    return {**said, "event_time": format_instant(NOW_MS)}


def silence(name: str, *, hours: int = 1, **covered: Any) -> dict[str, Any]:
    until = format_instant(NOW_MS + hours * HOUR_MS)
    return asked(name, "silence", until_time=until, **covered)


def names(holds: Holds) -> list[str]:
    return sorted(item.id for item in holds.items())


def test_a_silence_shows_owner_reason_and_end_until_its_end(atlas: Atlas) -> None:
    holds = Holds(atlas)
    holds.take_command(silence("s1", kinds=["noise.exceeded"], area="LG-C001"))
    assert names(holds) == []  # nobody has said yes
    holds.take_reply(answered("s1", "silence"))

    (item,) = holds.items()
    told = {name: item.body[name] for name in ("kind", "by", "reason", "kinds", "area")}
    assert told == {
        "kind": "silence", "by": "chen", "reason": "known works",
        "kinds": ["noise.exceeded"], "area": "LG-C001",
    }  # fmt: skip
    assert item.body["until_time"] == format_instant(NOW_MS + HOUR_MS)
    assert item.place.community == atlas.communities["LG-C001"]

    holds.age(NOW_MS + HOUR_MS - 1)
    assert names(holds) == ["s1"]
    holds.age(NOW_MS + HOUR_MS)
    assert names(holds) == []


def test_what_was_refused_holds_nothing(atlas: Atlas) -> None:
    holds = Holds(atlas)
    holds.take_command(silence("s1", kinds=["fire.seen"]))
    holds.take_reply(answered("s1", "silence", accepted=False))
    holds.take_reply(answered("s1", "silence"))

    assert names(holds) == []


def test_commands_and_answers_may_be_read_in_any_order(atlas: Atlas) -> None:
    commands = [
        silence("s1", kinds=["noise.exceeded"]),
        silence("s2", subjects=["LG-noise-001"]),
        asked("u1", "unsilence", silence_id="s1"),
        asked("m1", "mode-on", mode="typhoon", second="li"),
        asked("m2", "mode-off", mode="typhoon", second="li"),
        asked("m3", "mode-on", mode="typhoon", second="wang"),
    ]
    replies = [answered(one["id"], one["action"]) for one in commands]
    for split in range(len(replies) + 1):
        for order in permutations(commands, len(commands)):
            holds = Holds(atlas)
            for reply in replies[:split]:
                holds.take_reply(reply)
            for command in order:
                holds.take_command(command)
            for reply in replies[split:]:
                holds.take_reply(reply)

            assert names(holds) == ["mode:typhoon", "s2"]
            assert holds.get("mode:typhoon") is not None
            assert holds.get("mode:typhoon")["second"] == "wang"  # type: ignore[index]


def test_what_is_said_twice_is_done_once(atlas: Atlas) -> None:
    holds = Holds(atlas)
    switched_on = asked("m1", "mode-on", mode="typhoon", second="li")
    holds.take_command(switched_on)
    holds.take_reply(answered("m1", "mode-on"))
    holds.take_command(asked("m2", "mode-off", mode="typhoon", second="li"))
    holds.take_reply(answered("m2", "mode-off"))
    holds.take_command(switched_on)
    holds.take_reply(answered("m1", "mode-on"))

    assert names(holds) == []


def test_a_community_is_told_of_what_is_held_back_in_it_and_the_city_of_all() -> None:
    city = load_city()
    known = Knowledge(city, "epoch", NOW_MS)
    told = (
        silence("s1", kinds=["noise.exceeded"], area="LG-C001"),
        silence("s2", kinds=["noise.exceeded"], area="LG-C002"),
        silence("s3", kinds=["stall.*"]),
        silence("s4", kinds=["stall.*"], area=city.code),
        silence("s5", subjects=["412345678"]),
        asked("m1", "mode-on", mode="typhoon", second="li"),
    )
    take(known, topics.INCIDENT_REPLIES, *(answered(one["id"], one["action"]) for one in told))
    take(known, topics.INCIDENT_COMMANDS, *told)
    known.tick(NOW_MS + 1_000)

    assert shown(known, None) == {"s1", "s2", "s3", "s4", "s5", "mode:typhoon"}
    assert shown(known, frozenset({"LG-C001"})) == {"s1", "s3", "s4", "mode:typhoon"}
    known.tick(NOW_MS + HOUR_MS)
    assert shown(known, None) == {"mode:typhoon"}


def take(known: Knowledge, topic: str, *said: dict[str, Any]) -> None:
    values = [orjson.dumps(one) for one in said]
    count = len(values)
    times = np.full(count, NOW_MS)
    raw = RawBatch(topic, 0, np.arange(count), times, [b"longgang"] * count, values)
    known.take(topic, raw, NOW_MS)


def shown(known: Knowledge, scope: frozenset[str] | None) -> set[str]:
    look = known.hub.open(parse({"layers": "holds"}, scope))
    rows = look.view.rows(Layer.HOLDS).tolist()
    look.close()
    return {orjson.loads(one)["id"] for one in known.hub.tables[Layer.HOLDS].whole(rows)}
