"""Those who answer in a simulated city: crews their orders, loudspeakers their reminders."""

from feeds import crew, loudspeakers
from schemas.dispatch import CaseState, DispatchOrder, FieldAction, OrderChange, Reminder

START_MS = 1_742_616_000_000


def an_order(
    name: str, change: OrderChange = OrderChange.ISSUED, unit: str = "grid-1"
) -> DispatchOrder:
    return DispatchOrder(
        source="dispatch",
        kind="dispatch.order",
        subject="square",
        event_time_ms=START_MS,
        order_id=f"{name}/{unit}",
        case_id=name,
        incident_id="incident",
        incident_kind="noise.exceeded",
        unit=unit,
        level="grid",
        state=CaseState.DISPATCHED,
        change=change,
        created_time_ms=START_MS,
    )


def a_reminder(name: str) -> Reminder:
    return Reminder(
        source="dispatch",
        kind="reminder",
        subject="speaker-1",
        event_time_ms=START_MS,
        reminder_id=name,
        incident_id="incident",
        venue="square",
        text_id="text",
        text="请调低音量",
    )


def test_a_crew_answers_a_new_order_step_by_step_and_some_never_do() -> None:
    by_order = [crew.answers(1, an_order(str(number))) for number in range(200)]

    answered = [answers for answers in by_order if answers]
    assert 20 < len(by_order) - len(answered) < 80
    for answers in answered:
        delays = [answer.delay_s for answer in answers]
        assert delays == sorted(delays)
        assert [answers[0].action, answers[-1].action] == [FieldAction.ACCEPT, FieldAction.CLOSE]


def test_whichever_unit_of_a_level_is_sent_answers_alike() -> None:
    for number in range(20):
        one, other = (an_order(str(number), unit=unit) for unit in ("grid-1", "grid-2"))
        assert crew.answers(1, one) == crew.answers(1, other)


def test_where_runs_are_compared_a_department_answers_alike_whatever_the_case() -> None:
    department = {"flood-1": "flood", "flood-2": "flood"}
    orders = [
        crew.answers(1, an_order(str(number), unit=unit), lambda code: department.get(code, ""))
        for unit in department
        for number in range(20)
    ]
    by_itself = [
        bool(crew.answers(1, an_order("one", unit=f"grid-{number}"), lambda _: ""))
        for number in range(40)
    ]
    reminders = [loudspeakers.playing(1, a_reminder(name), alike=True) for name in "abcdef"]

    assert orders == orders[:1] * 40
    assert len(set(by_itself)) == 2
    assert reminders == reminders[:1] * 6


def test_an_order_that_only_changed_is_not_answered_again() -> None:
    assert all(
        crew.answers(1, an_order(str(number), OrderChange.CLOCK)) == [] for number in range(20)
    )


def test_most_reminders_are_played_within_seconds_and_some_fail_by_the_seed() -> None:
    played = [loudspeakers.playing(1, a_reminder(str(number))) for number in range(200)]

    failed = [one for one in played if one.action is FieldAction.REMINDER_FAILED]
    assert 10 < len(failed) < 50
    assert all(0 < one.delay_s < 15 for one in played)
    assert played == [loudspeakers.playing(1, a_reminder(str(number))) for number in range(200)]


def test_a_loudspeaker_says_which_reminder_it_played_and_why_it_failed() -> None:
    reminder = a_reminder("r")
    played = loudspeakers.report(reminder, FieldAction.REMINDER_PLAYED, START_MS)
    failed = loudspeakers.report(reminder, FieldAction.REMINDER_FAILED, START_MS)

    assert (played.subject, played.order_id, played.by) == ("incident", "r", "speaker-1")
    assert played.reason == ""
    assert failed.reason
    assert failed.id != played.id
