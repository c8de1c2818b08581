"""What the terminal view remembers, and which clock it shows."""

from typing import Any

import pytest

from deploy.board import Board, Tally, countdown, running_clock
from schemas.dispatch import Clock

NOON_MS = 1_742_616_000_000


def an_order(name: str, revision: int = 0, **fields: Any) -> dict[str, Any]:
    return {
        "order_id": name,
        "revision": revision,
        "state": "dispatched",
        "respond_by_time": "2025-03-22T04:01:00.000Z",
        "depart_by_time": "2025-03-22T04:03:00.000Z",
        "on_site_by_time": "2025-03-22T04:45:00.000Z",
        **fields,
    }


def test_an_alert_that_comes_twice_is_shown_once() -> None:
    board = Board()

    board.take_alert({"id": "a"})
    board.take_alert({"id": "b"})
    board.take_alert({"id": "a"})

    assert [alert["id"] for alert in board.alerts] == ["a", "b"]
    assert board.alert_count == 2


def test_of_two_words_about_an_incident_the_newer_stays() -> None:
    board = Board()

    board.take_incident({"incident_id": "i", "revision": 2, "state": "open", "sentence": "new"})
    board.take_incident({"incident_id": "i", "revision": 1, "state": "open", "sentence": "old"})
    assert [one["sentence"] for one in board.open_incidents()] == ["new"]

    board.take_incident({"incident_id": "i", "revision": 3, "state": "resolved"})
    assert board.open_incidents() == []
    assert board.incident_count == 1


@pytest.mark.parametrize(
    ("state", "clock", "left_s"),
    [
        ("dispatched", Clock.RESPOND, 60.0),
        ("accepted", Clock.DEPART, 180.0),
        ("departed", Clock.ON_SITE, 2700.0),
    ],
)
def test_each_stage_runs_its_own_clock(state: str, clock: Clock, left_s: float) -> None:
    assert running_clock(an_order("o", state=state), NOON_MS) == (clock, left_s)


@pytest.mark.parametrize("state", ["on-site", "handled", "closed"])
def test_where_people_owe_nothing_no_clock_runs(state: str) -> None:
    assert running_clock(an_order("o", state=state), NOON_MS) is None


def test_orders_at_work_stand_with_the_most_urgent_first() -> None:
    board = Board()
    board.take_order(an_order("on its way", state="departed"))
    board.take_order(an_order("there", state="on-site"))
    board.take_order(an_order("new"))
    board.take_order(an_order("done", state="closed"))

    assert [order["order_id"] for order, _ in board.live_orders(NOON_MS)] == [
        "new",
        "on its way",
        "there",
    ]


@pytest.mark.parametrize(
    ("left_s", "text"), [(65.2, "1:05"), (0.0, "0:00"), (-20.0, "-0:20"), (-3661.0, "-61:01")]
)
def test_a_countdown_reads_as_people_say_it(left_s: float, text: str) -> None:
    assert countdown(left_s) == text


def test_an_incident_and_its_orders_count_for_every_source_that_noticed_it() -> None:
    board = Board()
    board.take_alert({"id": "a", "kind": "smoke.alarm"})
    board.take_alert({"id": "b", "kind": "smoke.seen"})
    board.take_incident(
        {"incident_id": "i", "kind": "smoke.alarm", "senses": ["sensor", "camera", "caller"]}
    )
    board.take_order({"order_id": "o", "incident_id": "i", "incident_kind": "smoke.alarm"})
    board.take_order({"order_id": "p", "incident_id": "j", "incident_kind": "vessel.silent"})

    tallies = board.tallies()

    assert tallies["sensors"] == Tally(alerts=1, incidents=1, orders=1)
    assert tallies["cameras"] == Tally(alerts=1, incidents=1, orders=1)
    assert tallies["citizens"] == Tally(alerts=0, incidents=1, orders=1)
    assert tallies["vessels"] == Tally(alerts=0, incidents=0, orders=1)


def test_a_boat_in_its_harbour_is_counted_and_not_listed() -> None:
    board = Board()

    board.take_alert({"id": "a", "kind": "vessel.harbour"})

    assert (board.alert_count, len(board.alerts)) == (1, 0)
