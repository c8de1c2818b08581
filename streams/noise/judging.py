"""The verdict on every Leq window: over its limit, near it, calm, or far below.

And where the runs of one verdict begin, since a ladder need only look there.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.noise.ladder import Params, Run
from streams.noise.posts import Post, Setting
from streams.noise.windows import Heard, Windows


class Judged(NamedTuple):
    """The windows of which enough was heard, by (sensor, slot).

    Attributes:
        window: Index in `Windows`.
        sensor: Index of the sensor; does not fall.
        end_ms: The window's end.
        limit_row: The limit that held at its last sample.
        over, near, calm, far: As in `ladder.Run`.
        night: Whether its last sample lay in the night.
        follows: Whether nothing went unheard before it.
        runs: Where runs of one verdict, limit and sensor begin.
    """

    window: NDArray[np.int64]
    sensor: NDArray[np.int64]
    end_ms: NDArray[np.int64]
    limit_row: NDArray[np.int64]
    over: NDArray[np.bool_]
    near: NDArray[np.bool_]
    calm: NDArray[np.bool_]
    far: NDArray[np.bool_]
    night: NDArray[np.bool_]
    follows: NDArray[np.bool_]
    runs: NDArray[np.int64]

    def run(self, start: int, stop: int, post: Post, setting: Setting) -> Run:
        """Return the windows from `start` to `stop`, of one verdict, as a run."""
        return Run(
            ends_ms=self.end_ms[start:stop],
            follows=bool(self.follows[start]),
            over=bool(self.over[start]),
            near=bool(self.near[start]),
            calm=bool(self.calm[start]),
            far=bool(self.far[start]),
            limit_db=setting.limits.rows[self.limit_row[start]].limit_db,
            mute=post.mute or (post.mute_at_night if self.night[start] else None),
        )


class Silence(NamedTuple):
    """A sensor was unheard for too long before this window; due at `due_ms`."""

    window: int
    due_ms: int


def judge(
    heard: Heard,
    windows: Windows,
    posts: list[Post],
    judged_ms: NDArray[np.int64],
    setting: Setting,
) -> Judged:
    """Return the verdict on every window of which enough was heard.

    Args:
        heard: The levels; `windows` their windows, one each.
        windows: As `windows.slide` made them.
        posts: The sensors, all of one sample length.
        judged_ms: End of the window of each sensor that was judged last, 0 for none.
        setting: Parameters and limits.
    """
    params, limits, sample_ms = setting.params, setting.limits, posts[0].sample_ms
    window = np.flatnonzero(windows.slots_heard >= params.minimum_share * windows.size)
    sensor = heard.sensor[window]
    starts_ms = heard.slot[window] * sample_ms
    place = np.array([post.place for post in posts])[sensor]
    limit_row = limits.holding(place, starts_ms).astype(np.int64)
    # Rounded as Leq is: a difference of two decimals must not leave binary dust.
    excess = np.round(windows.leq_db[window] - limits.limit_db[limit_row], 3)
    over, near = excess > 0, excess > -params.warn_margin_db
    calm = excess < -params.clear_margin_db
    far = excess < -(params.warn_margin_db + params.warn_hysteresis_db)
    night = limits.is_night(starts_ms)
    end_ms = starts_ms + sample_ms
    first = np.flatnonzero(np.diff(sensor, prepend=-1))
    before_ms = np.concatenate(([0], end_ms[:-1]))
    before_ms[first] = judged_ms[sensor[first]]
    follows = end_ms - before_ms <= params.window_s * 1000
    verdict = over + 2 * near + 4 * calm + 8 * far + 16 * night + 32 * limit_row
    begins = np.diff(verdict, prepend=-1) != 0
    begins[first] = True
    runs = np.flatnonzero(begins | ~follows)
    return Judged(window, sensor, end_ms, limit_row, over, near, calm, far, night, follows, runs)


def silences(
    heard: Heard, next_slot: NDArray[np.int64], sample_ms: int, params: Params
) -> dict[int, list[Silence]]:
    """Return, by sensor, the silences that were long enough to end an alert."""
    before = np.concatenate(([0], heard.slot[:-1] + 1))
    first = np.flatnonzero(np.diff(heard.sensor, prepend=-1))
    before[first] = next_slot
    silence_ms = params.silence_s * 1000
    found: dict[int, list[Silence]] = {}
    for row in np.flatnonzero((heard.slot - before) * sample_ms >= silence_ms).tolist():
        due_ms = int(before[row]) * sample_ms + silence_ms
        found.setdefault(int(heard.sensor[row]), []).append(Silence(row, due_ms))
    return found
