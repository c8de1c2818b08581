"""Speed: over a fence's limit for a while, with a margin on the way down."""

from streams.rules import speed

KIND = "vessel.speeding"
SLOW, BESIDE = (120.65, 27.45), (120.75, 27.45)


def at(sea, minute, sog_kn, place=SLOW):
    return sea.fix(minute, lon_deg=place[0], lat_deg=place[1], sog_kn=sog_kn)


def test_over_the_limit_counts_when_it_lasts(sea):
    run = sea.run(speed)

    run.take(at(sea, 0, 9.0), at(sea, 0.5, 9.5), at(sea, 1, 9.2), at(sea, 2, 11.0))

    assert run.story() == [(1, KIND, "onset")]
    assert (run.alerts[0].value, run.alerts[0].limit, run.alerts[0].unit) == (9.2, 8.0, "kn")


def test_a_single_fast_fix_says_nothing(sea):
    run = sea.run(speed)

    run.take(at(sea, 0, 12.0), at(sea, 1, 8.0), at(sea, 2, 12.0))

    assert run.alerts == []


def test_just_below_the_limit_is_not_slowed_down_yet(sea):
    run = sea.run(speed)

    run.take(at(sea, 0, 9.0), at(sea, 1, 9.0), at(sea, 2, 7.8), at(sea, 5, 7.8))
    run.take(at(sea, 6, 7.4), at(sea, 7, 7.4))

    assert run.story() == [(1, KIND, "onset"), (7, KIND, "clear")]
    assert run.alerts[1].value == 9.0
    assert run.alerts[1].reason.startswith("slowed-down")


def test_leaving_the_water_with_the_limit_ends_it(sea):
    run = sea.run(speed)

    run.take(at(sea, 0, 9.0), at(sea, 1, 9.0), at(sea, 2, 15.0, BESIDE))

    assert run.story() == [(1, KIND, "onset"), (2, KIND, "clear")]


def test_silence_ends_it(sea):
    run = sea.run(speed)

    run.take(at(sea, 0, 9.0), at(sea, 1, 9.0))
    run.until(30)
    run.until(31)

    assert run.story() == [(1, KIND, "onset"), (31, KIND, "clear")]


def test_without_a_limit_nobody_is_too_fast(sea):
    run = sea.run(speed)

    run.take(*[at(sea, minute, 40.0, BESIDE) for minute in range(10)])

    assert (run.alerts, run.states) == ([], {})


def test_fixes_that_are_delivered_again_say_nothing(sea):
    run = sea.run(speed)
    fixes = [at(sea, 0, 9.0), at(sea, 1, 9.0), at(sea, 2, 7.0), at(sea, 3, 7.0)]
    run.take(*fixes)

    run.take(*fixes)

    assert run.story() == [(1, KIND, "onset"), (3, KIND, "clear")]
