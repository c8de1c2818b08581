"""The bench of clocks: what it counts, and when it calls it right."""

from deploy.bench.clocks import Lateness, Result, Told, as_table, course_of, lateness_of

COURSE = course_of(2, 60)


def test_lateness_is_message_time_minus_deadline_and_what_is_sent_again_counts_once():
    told = [
        Told("a", "respond", 1_000, 1_100),
        Told("b", "respond", 2_000, 2_300),
        Told("b", "respond", 2_000, 9_000),
    ]
    (respond, depart, _), repeated = lateness_of(told)

    assert (respond.told, respond.p50_ms, respond.worst_ms) == (2, 200, 300)
    assert (depart.told, repeated) == (0, 1)


def result(recovered_s=3.0, **changes):
    one = Lateness("respond", 2, 100.0, 900.0, 950.0)._replace(**changes)
    return Result(COURSE, [one], recovered_s, 1.0, 60.0, 0)


def test_it_is_right_only_when_all_was_told_once_in_time_and_recovered_fast():
    assert result().is_right
    assert not result(told=1).is_right
    assert not result(p99_ms=1_001.0).is_right
    assert not result(recovered_s=10.0).is_right
    assert not result(told=3).is_right, "told under two ids"


def test_promises_break_one_after_the_other_with_time_to_restart_in_between():
    assert COURSE.respond_s < COURSE.depart_s
    assert COURSE.spread_s + COURSE.depart_s < COURSE.on_site_s


def test_the_table_names_each_clock():
    assert "| respond | 2 | 100 ms | 900 ms | 950 ms |" in as_table(result())
