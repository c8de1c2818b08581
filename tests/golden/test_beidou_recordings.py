"""Real BeiDou tracks of fishing boats near Longgang, through every vessel rule.

The waters are fixed here, so that the city's own files may change; the tracks
are from the Tianchi set. Times below are Beijing time. Each list was checked
against the rows of the track before it was written down.
"""

from collections import Counter
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from shapely.geometry import box

from feeds.recordings import read_beidou
from schemas.alerts import Alert
from schemas.codec import decode_positions
from schemas.envelope import Datum
from schemas.positions import PositionBatch
from schemas.records import RawBatch
from streams import columns
from streams.geo.fences import Fence, FenceIndex, FencePurpose
from streams.rules import distress, fences, moratorium, silence, speed
from streams.vessels import tracks
from streams.vessels.alerts import Setting
from streams.vessels.register import VesselRecord, register

pytestmark = pytest.mark.recordings

BEIJING = timezone(timedelta(hours=8))
RULES = (distress, fences, speed, moratorium, silence)

WATERS = FenceIndex(
    [
        Fence(
            id="xiaguan",
            name="霞关渔港",
            purpose=FencePurpose.HARBOUR,
            geometry=box(120.39, 27.13, 120.45, 27.20),
        ),
        Fence(
            id="band",
            name="休渔区",
            purpose=FencePurpose.MORATORIUM,
            geometry=box(118, 26.5, 127, 35),
        ),
        Fence(
            id="closed",
            name="禁入水域",
            purpose=FencePurpose.NO_GO,
            geometry=box(121.02, 27.10, 121.10, 27.20),
        ),
        Fence(
            id="slow",
            name="限速水域",
            purpose=FencePurpose.SPEED_LIMIT,
            geometry=box(120.3, 27.0, 121.0, 27.4),
            speed_limit_kn=8,
        ),
    ]
)
REGISTER = register(
    [VesselRecord(code="V1", name="示例渔00001", beidou="24627", gear="hook-and-line")]
)


class Trawlers(NamedTuple):
    """The band's season of 2019, for trawlers."""

    code: str = "general"
    fence: str = "band"
    seasons_ms: tuple[tuple[int, int], ...] = (
        (
            round(datetime(2019, 5, 1, 12, tzinfo=BEIJING).timestamp() * 1000),
            round(datetime(2019, 9, 16, 12, tzinfo=BEIJING).timestamp() * 1000),
        ),
    )

    def closes(self, gear: str, permits: tuple[str, ...]) -> bool:
        return gear == "trawl" and "special" not in permits


def _load(*paths: Path) -> PositionBatch:
    records = [record for path in paths for record in read_beidou(path)]
    records.sort(key=lambda record: record.event_time_ms)
    raw = RawBatch(
        topic="vessel.positions",
        partition=0,
        offsets=np.arange(len(records)),
        ingest_time_ms=np.array([record.event_time_ms for record in records]),
        keys=[record.key for record in records],
        values=[record.value for record in records],
    )
    batch, rejects = decode_positions(raw, {"beidou": Datum.WGS84})
    assert rejects == []
    return batch


class Chain:
    """All vessel rules over one feed, as an agent runs them."""

    def __init__(self) -> None:
        rules = (tracks, *RULES)
        closures = (Trawlers(),)
        self.settings = {
            rule.NAME: Setting(rule.Params(), WATERS, REGISTER, closures) for rule in rules
        }
        self.states: dict[str, dict] = {rule.NAME: {} for rule in rules}
        self.alerts: list[Alert] = []
        self.notes: Counter[str] = Counter()

    def run(self, batch: PositionBatch, step: int) -> "Chain":
        for at in range(0, len(batch.subject), step):
            part = columns.take(batch, slice(at, at + step))
            split = tracks.evaluate(part, self.states[tracks.NAME], self.settings[tracks.NAME])
            self._apply(tracks, split)
            main = columns.take(part, split.main)
            for rule in RULES:
                prior, setting = self.states[rule.NAME], self.settings[rule.NAME]
                self._apply(rule, rule.evaluate(main, prior, setting))
            self._close(int(part.event_time_ms[-1]))
        return self

    def _close(self, watermark_ms: int) -> None:
        for rule in (tracks, *RULES):
            states = self.states[rule.NAME]
            due = [k for k, s in states.items() if s.due_ms and s.due_ms < watermark_ms]
            setting = self.settings[rule.NAME]
            self._apply(rule, rule.close(sorted(due), states, watermark_ms, setting))

    def _apply(self, rule, verdict) -> None:
        self.alerts += verdict.alerts
        self.notes.update(note.reason for note in verdict.notes)
        self.states[rule.NAME].update(verdict.changed)

    def story(self) -> list[str]:
        """Tell the alerts in time order, a line each."""
        return [
            f"{datetime.fromtimestamp(a.event_time_ms / 1000, BEIJING):%m-%d %H:%M:%S}"
            f" {a.subject} {a.kind} {a.transition} {a.reason.removesuffix(' unregistered')}"
            for a in sorted(self.alerts, key=lambda a: (a.event_time_ms, a.subject, a.id))
        ]


def _samples(recordings: Path, *boats: int) -> PositionBatch:
    folder = recordings / "ais" / "tianchi_samples"
    return _load(*(folder / f"{boat}.csv" for boat in boats))


STORIES = {
    # Two trawlers at work in the closed season until 16 Sep 12:00; the third is registered
    # with hooks and lines. The seven silences are the seven gaps over 30 min of 24285.
    (20697, 24285, 24627): [
        "09-14 00:39:27 bd:24285 vessel.moratorium onset fishing-speed gear-said:trawl general fix",
        "09-14 02:29:38 bd:24285 vessel.silent onset others-heard",
        "09-14 02:40:49 bd:24285 vessel.silent clear heard-again",
        "09-14 03:10:49 bd:24285 vessel.silent onset others-heard",
        "09-14 03:30:45 bd:24285 vessel.silent clear heard-again",
        "09-14 06:42:04 bd:24285 vessel.silent onset others-heard",
        "09-14 06:51:23 bd:24285 vessel.silent clear heard-again",
        "09-14 08:13:49 bd:24285 vessel.silent onset others-heard",
        "09-14 08:23:16 bd:24285 vessel.silent clear heard-again",
        "09-14 09:11:29 bd:24285 vessel.silent onset others-heard",
        "09-14 09:52:17 bd:24285 vessel.silent clear heard-again",
        "09-14 10:31:51 bd:24285 vessel.silent onset others-heard",
        "09-14 10:52:55 bd:24285 vessel.silent clear heard-again",
        "09-14 11:22:55 bd:24285 vessel.silent onset others-heard",
        "09-14 11:32:54 bd:24285 vessel.silent clear heard-again",
        "09-14 12:06:07 bd:20697 vessel.moratorium onset under-way gear-said:trawl general fix",
        "09-16 12:00:00 bd:20697 vessel.moratorium clear season-ended",
        "09-16 12:00:00 bd:24285 vessel.moratorium clear season-ended",
        "09-16 20:34:21 bd:24627 vessel.no-go notice cross fix",
    ],
    # Five days each at their moorings: 26842 has two gaps over 30 min, in harbour.
    (20578, 26842): [
        "09-14 00:08:19 bd:26842 vessel.harbour onset found first-fix",
        "09-20 00:05:50 bd:20578 vessel.harbour onset found first-fix",
    ],
    # A trawler after the season, through closed water and too fast near the port.
    (21823,): [
        "10-26 19:34:58 bd:21823 vessel.no-go onset enter held",
        "10-26 20:10:39 bd:21823 vessel.no-go clear exit held",
        "10-26 22:34:20 bd:21823 vessel.speeding onset over-limit",
        "10-27 00:44:35 bd:21823 vessel.speeding clear slowed-down",
        "10-27 08:35:12 bd:21823 vessel.speeding onset over-limit",
        "10-27 09:55:22 bd:21823 vessel.speeding clear slowed-down",
        "10-27 11:15:29 bd:21823 vessel.speeding onset over-limit",
        "10-27 11:45:35 bd:21823 vessel.speeding clear slowed-down",
    ],
}


@pytest.mark.parametrize("boats", STORIES)
def test_real_tracks_tell_exactly_this_story(recordings, boats):
    chain = Chain().run(_samples(recordings, *boats), step=1)

    assert chain.story() == STORIES[boats]


@pytest.mark.parametrize("boats", STORIES)
def test_the_story_does_not_depend_on_how_the_tracks_are_cut(recordings, boats):
    batch = _samples(recordings, *boats)

    by_row, in_batches = Chain().run(batch, step=1), Chain().run(batch, step=97)

    assert by_row.story() == in_batches.story()
    assert {a.id for a in by_row.alerts} == {a.id for a in in_batches.alerts}
    assert len({a.id for a in by_row.alerts}) == len(by_row.alerts)


def test_of_569_real_boats_two_share_a_number_and_the_rest_only_have_outliers(recordings):
    archive = recordings / "ais" / "tianchi_beidou_fishing_near_longgang.tar.gz"
    batch = _load(archive)
    setting = Setting(tracks.Params(), FenceIndex([]), {})

    split = tracks.evaluate(batch, {}, setting)

    fixes = int(np.isfinite(batch.lon_deg).sum())
    statics = sum(said is not None for said in batch.extra)
    assert (fixes, statics) == (349_963, 569)
    assert len(split.main) + len(split.notes) == fixes + statics
    assert Counter(note.reason for note in split.notes) == SUSPECTS
    onsets = Counter(a.subject for a in split.alerts if a.transition == "onset")
    assert onsets == {"bd:27372": 3, "bd:20752": 1}


SUSPECTS = {"position-suspect": 102, "second-hull": 67}
