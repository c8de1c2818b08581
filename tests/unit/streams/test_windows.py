import math

import pytest

from streams.summary import Summary
from streams.windows import (
    Beyond,
    Count,
    Hopping,
    Panes,
    Session,
    Telling,
    due_ms,
    tumbling,
)


class Key:
    """One key's windows, with all that was told of them."""

    def __init__(self, spec):
        self.spec, self.panes, self.told, self.refused = spec, Panes(), [], 0

    def at(self, *times, value=1.0):
        for at_ms in times:
            self._keep(self.spec.take(self.panes, at_ms, value))
        return self

    def close(self, watermark_ms):
        self._keep(self.spec.close(self.panes, watermark_ms))
        return self

    def _keep(self, taken):
        self.panes = taken.panes
        self.refused += taken.refused
        self.told += [
            (r.start_ms, r.end_ms, r.summary.count, r.revision, r.telling.value)
            for r in taken.results
        ]

    def flush(self):
        told, self.told = self.told, []
        return told


def test_a_tumbling_window_holds_its_start_and_not_its_end():
    #  0         10        20
    #  [---------)[--------)
    #  x        x x
    key = Key(tumbling(10)).at(0, 9, 10).close(10)

    assert key.flush() == [(0, 10, 2, 0, "final")]
    assert key.close(20).flush() == [(10, 20, 1, 0, "final")]


def test_a_window_is_told_once_and_not_before_the_watermark_reaches_its_end():
    key = Key(tumbling(10)).at(3).close(9)

    assert key.flush() == []
    assert due_ms(key.panes) == 10
    assert len(key.close(10).close(11).close(500).flush()) == 1
    assert due_ms(key.panes) is None
    assert key.panes == Panes(500)


def test_hopping_windows_overlap():
    #  -5   0    5    10   15
    #   [---------)
    #       [---------)
    #            [---------)
    #         x  y
    assert list(Hopping(10, 5).starts_ms(3)) == [-5, 0]
    assert list(Hopping(10, 5).starts_ms(5)) == [0, 5]
    assert list(Hopping(10, 4).starts_ms(9)) == [0, 4, 8]
    assert list(Hopping(10, 4).starts_ms(3)) == [-4, 0]
    assert Key(Hopping(10, 5)).at(3, 5).close(15).flush() == [
        (-5, 5, 1, 0, "final"),
        (0, 10, 2, 0, "final"),
        (5, 15, 1, 0, "final"),
    ]


def test_windows_may_be_counted_from_any_origin():
    assert list(tumbling(10, origin_ms=3).starts_ms(2)) == [-7]
    assert list(tumbling(10, origin_ms=3).starts_ms(3)) == [3]


def test_a_late_value_corrects_the_window_and_a_later_one_is_refused():
    key = Key(tumbling(10, lateness_ms=5)).at(3).close(14)
    key.flush()

    assert key.at(4).flush() == [(0, 10, 2, 1, "correction")]
    assert key.at(5).flush() == [(0, 10, 3, 2, "correction")]
    assert key.close(15).at(6).flush() == []
    assert key.refused == 1


def test_a_late_value_can_be_the_first_of_its_window():
    assert Key(tumbling(10, lateness_ms=5)).close(12).at(3).flush() == [(0, 10, 1, 0, "final")]


def test_a_session_ends_a_gap_after_its_last_value():
    #  0    5    10   15   20   25
    #  x   x    x               x
    #  [--------------)         [----)
    key = Key(Session(5)).at(0, 4, 8, 24)

    assert due_ms(key.panes) == 13
    assert key.close(40).flush() == [(0, 13, 3, 0, "final"), (24, 29, 1, 0, "final")]


def test_values_a_whole_gap_apart_are_two_sessions():
    assert len(Key(Session(5)).at(0, 5).close(40).flush()) == 2


def test_a_value_between_two_open_sessions_makes_them_one():
    assert Key(Session(5)).at(0, 8, 4).close(40).flush() == [(0, 13, 3, 0, "final")]


def test_a_late_value_between_two_told_sessions_corrects_one_and_ends_the_other():
    key = Key(Session(5, lateness_ms=20)).at(10, 18).close(23)
    assert key.flush() == [(10, 15, 1, 0, "final"), (18, 23, 1, 0, "final")]

    assert key.at(14).flush() == [(18, 23, 1, 1, "absorbed"), (10, 23, 3, 1, "correction")]


def test_a_told_session_that_grows_is_told_again_when_it_ends():
    key = Key(Session(5, lateness_ms=20)).at(10).close(15)
    key.flush()

    assert key.at(14).flush() == []
    assert due_ms(key.panes) == 19
    assert key.close(19).flush() == [(10, 19, 2, 1, "correction")]


def test_a_session_keeps_its_id_when_a_late_value_comes_before_it():
    spec, panes = Session(5, lateness_ms=20), Panes()
    panes = spec.close(spec.take(panes, 10, 1.0).panes, 15).panes
    (told,) = spec.take(panes, 7, 1.0).results

    assert (told.id_ms, told.start_ms, told.revision) == (10, 7, 1)


def test_a_count_window_ends_with_its_last_value():
    key = Key(Count(3)).at(1, 2, 2, 5, 6)

    assert key.flush() == [(1, 3, 3, 0, "final")]
    assert key.at(9).flush() == [(5, 10, 3, 0, "final")]
    assert key.at(4).refused == 1


def test_a_state_window_says_how_long_a_value_was_beyond_its_level():
    key = Key(Beyond(50.0))
    key.at(0, value=40).at(10, 12, 15, value=60).at(21, value=50)

    assert key.flush() == [(10, 21, 3, 0, "final")]
    assert key.at(21, value=70).refused == 1


@pytest.mark.parametrize(
    ("levels", "leq"),
    [([60, 70], 67.4036), ([50] * 59 + [90], 72.2440), ([50] * 54 + [85] * 6, 75.0123)],
)
def test_levels_are_averaged_as_energy(levels, leq):
    summary = Summary()
    for level in levels:
        summary = summary.add(level)

    assert summary.leq == pytest.approx(leq, abs=5e-5)


def test_a_summary_of_nothing_has_no_average():
    assert math.isnan(Summary().mean)
    assert math.isnan(Summary().leq)
    assert Summary().total == 0


@pytest.mark.parametrize(
    "make",
    [
        lambda: tumbling(0),
        lambda: Hopping(10, 11),
        lambda: tumbling(10, -1),
        lambda: Session(0),
        lambda: Count(0),
    ],
)
def test_windows_that_cannot_be_are_refused(make):
    with pytest.raises(ValueError, match=r"size|gap"):
        make()


def test_every_telling_has_its_word():
    assert [telling.value for telling in Telling] == ["final", "correction", "absorbed"]


def test_a_session_that_takes_in_a_more_corrected_one_counts_its_own_revisions() -> None:
    spec = Session(gap_ms=10, lateness_ms=500)
    panes = spec.take(spec.take(Panes(), 0, 1.0).panes, 18, 1.0).panes
    panes = spec.close(panes, 30).panes
    corrected = spec.take(panes, 19, 1.0)
    joined = spec.take(corrected.panes, 9, 1.0)

    assert [(r.id_ms, r.revision) for r in corrected.results] == [(18, 1)]
    assert [(r.id_ms, r.revision, r.telling) for r in joined.results] == [
        (18, 2, Telling.ABSORBED),
        (0, 1, Telling.CORRECTION),
    ]
