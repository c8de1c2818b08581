"""The small seeded city and its crew: the same seed says the same."""

import itertools

from feeds import crew, generator
from schemas.dispatch import CaseState, DispatchOrder, FieldAction, OrderChange
from schemas.positions import Position
from schemas.readings import Reading

START_MS = 1_742_616_000_000


def events(seed: int, count: int = 5000) -> list[generator.Event]:
    return list(itertools.islice(generator.city(seed, START_MS), count))


def an_order(name: str, change: OrderChange = OrderChange.ISSUED) -> DispatchOrder:
    return DispatchOrder(
        source="dispatch",
        kind="dispatch.order",
        subject="square",
        event_time_ms=START_MS,
        order_id=name,
        case_id="case",
        incident_id="incident",
        incident_kind="noise.exceeded",
        unit="grid-1",
        level="grid",
        state=CaseState.DISPATCHED,
        change=change,
        created_time_ms=START_MS,
    )


def test_the_same_seed_gives_the_same_city_and_another_another() -> None:
    assert events(1) == events(1)
    assert events(1) != events(2)


def test_events_come_in_time_order_keyed_by_their_subject() -> None:
    told = events(3)

    times = [event.event_time_ms for event in told]
    assert times == sorted(times)
    assert all(event.key == event.record.subject for event in told)
    assert {type(event.record) for event in told} == {Reading, Position}


def test_the_square_is_loud_from_the_second_minute() -> None:
    levels = [
        (event.event_time_ms - START_MS, event.record.value)
        for event in events(1)
        if isinstance(event.record, Reading) and "square" in event.record.subject
    ]

    assert max(value for at_ms, value in levels if at_ms < 60_000) < 60
    assert min(value for at_ms, value in levels if at_ms >= 60_000) > 60


def test_a_boat_moves_at_the_speed_that_it_tells() -> None:
    track = [
        event.record
        for event in events(1, 20_000)
        if isinstance(event.record, Position) and event.record.subject == "412420002"
    ]
    first, later = track[0], track[6]

    assert first.lon_deg is not None
    assert later.lon_deg is not None
    # 10 kn for 60 s are 308.7 m; a degree of longitude at 27.45 N is 98.68 km.
    assert abs((later.lon_deg - first.lon_deg) * 98_680 - 308.7) < 2


def test_a_crew_answers_a_new_order_step_by_step_and_some_never_do() -> None:
    by_order = [crew.answers(1, an_order(str(number))) for number in range(200)]

    answered = [answers for answers in by_order if answers]
    assert 20 < len(by_order) - len(answered) < 80
    for answers in answered:
        delays = [answer.delay_s for answer in answers]
        assert delays == sorted(delays)
        assert [answers[0].action, answers[-1].action] == [FieldAction.ACCEPT, FieldAction.CLOSE]


def test_an_order_that_only_changed_is_not_answered_again() -> None:
    assert all(
        crew.answers(1, an_order(str(number), OrderChange.CLOCK)) == [] for number in range(20)
    )
