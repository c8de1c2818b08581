"""Pictures of both layouts, while something goes on; CITYBRAIN_PICTURES=DIR keeps them."""

import math
import os
import random
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from playwright.sync_api import Page, expect

from schemas.alerts import Severity
from schemas.cases import CaseClock
from schemas.dispatch import CaseState, Clock
from schemas.kpi import ClockScore, Kpi
from schemas.readings import Reading
from schemas.topics import SENSOR_READINGS
from schemas.units import KINDS

pytestmark = [pytest.mark.kafka, pytest.mark.browser]

Visit = Callable[..., Page]
LIMITS_S = {Clock.RESPOND: 60, Clock.ORDER: 120, Clock.DEPART: 180, Clock.ON_SITE: 2_700}
CALM = {"noise.laeq": 44.0, "air.temperature": 19.0}
MOST_BYTES = 400_000
BLANK_BYTES = 40_000
"""An empty map of this size packs into less."""


class Tale(NamedTuple):
    """One matter of the picture: how far its case is, and what share of the clock is used."""

    kind: str
    sentence: str
    unit: str
    level: str
    state: CaseState
    used: float
    severity: Severity = Severity.MODERATE


TALES = (
    Tale("gas.combustible", "可燃气体 31 %LEL，超过一级报警值 25 %LEL", "示例社区017", "community",
         CaseState.ACCEPTED, 0.55, Severity.SEVERE),
    Tale("noise.exceeded", "广场声级 68.4 dB(A)，超过公约 8.4 dB，已提醒", "示例网格041", "grid",
         CaseState.DISPATCHED, 0.3),
    Tale("waterlogging.seen", "路口积水，摄像头与市民投诉指向同一处", "示例网格112", "grid",
         CaseState.DEPARTED, 0.4),
    Tale("parking.illegal", "消防通道违停 3 辆，已 12 分钟", "示例微网格0310", "micro-grid",
         CaseState.DEPARTED, 0.2),
    Tale("stall.outside", "店外经营，占用人行道", "示例微网格1207", "micro-grid",
         CaseState.ON_SITE, 0.6, Severity.MINOR),
    Tale("garbage.exposed", "垃圾暴露，已超过 30 分钟", "示例微网格0922", "micro-grid",
         CaseState.DEPARTED, 0.75, Severity.MINOR),
    Tale("water.level", "内河水位 3.42 米，超过警戒 0.12 米", "示例社区055", "community",
         CaseState.DEPARTED, 0.1),
)  # fmt: skip


def test_the_wall_and_the_desk_show_the_city(visit: Visit, feed: Any, tmp_path: Path) -> None:
    dice = random.Random(27)
    tell_sensors(feed, dice)
    vessel, record = next((name, one) for name, one in feed.city.vessels.items() if one.phone)
    boats = tell_vessels(feed, dice, vessel)
    for tale, spot in zip(TALES, dice.sample(feed.spots(90), len(TALES)), strict=True):
        feed.tell(as_told(feed, tale, spot))

    feed.say(
        "kpi",
        Kpi(
            source="citybrain", kind="kpi", subject=feed.city.code, event_time_ms=at(),
            level="area",
            ended=164, ended_at_community=153, reminders=31, reminders_worked=24,
            clocks=(ClockScore("respond", 171, 165), ClockScore("on-site", 160, 149)),
        ),
        key=feed.city.code,
    )  # fmt: skip

    page = visit(query="lang=zh&layout=wall")
    page.set_viewport_size({"width": 1600, "height": 900})
    expect(page.locator("#panel-cases .row")).to_have_count(len(TALES))
    expect(page.locator(".kpi-cell[data-kpi='kpi.vessels'] dd")).to_have_text(str(boats))
    expect(page.locator(".kpi-cell[data-kpi='kpi.community'] dd")).to_have_text("93%")
    page.keyboard.press("h")
    wall = take(page, tmp_path, "wall")

    lon_deg, lat_deg = feed.middle()
    sail_a_day(feed, vessel, lon_deg + 0.28, lat_deg - 0.06)
    spot = msgspec.structs.replace(feed.spots(1)[0], lon_deg=lon_deg + 0.28, lat_deg=lat_deg - 0.06)
    danger = feed.matter(
        "vessel.distress", vessel, spot, severity=Severity.EXTREME, life_safety=True,
        sentence=f"{record.name} 发出遇险信号（AIS-SART），距巴艚港 9 海里",
    )  # fmt: skip
    feed.tell(danger)
    page = visit(query="lang=zh&layout=desk")
    page.set_viewport_size({"width": 1600, "height": 900})
    expect(page.locator(".card h2")).to_have_text(record.name)
    expect(page.locator(".frame")).to_have_class(re.compile("is-alarmed"))
    desk = take(page, tmp_path, "desk")

    for picture in (wall, desk):
        assert picture.stat().st_size < MOST_BYTES
    kept = os.environ.get("CITYBRAIN_PICTURES")
    if kept:
        for picture in (wall, desk):
            (Path(kept) / picture.name).write_bytes(picture.read_bytes())


def take(page: Page, folder: Path, name: str) -> Path:
    """Take a picture once the map stands still and is not blank."""
    before = b""
    for _ in range(40):
        now = page.locator("#map canvas").screenshot(animations="disabled")
        if now == before:
            break
        before = now
        page.wait_for_timeout(1_000)
    assert len(before) > BLANK_BYTES, "the map is blank"
    file = folder / f"{name}.png"
    page.screenshot(path=file, animations="disabled")
    return file


def as_told(feed: Any, tale: Tale, spot: Any) -> Any:
    """Return the matter of a tale: the clocks before its stage kept, the one of it running."""
    stages = (CaseState.DISPATCHED, CaseState.ACCEPTED, CaseState.DEPARTED, CaseState.ON_SITE)
    running = min(len(LIMITS_S) - 1, stages.index(tale.state) + (tale.state is CaseState.ACCEPTED))
    limits = list(LIMITS_S.items())
    at_ms = at() - round(limits[running][1] * tale.used * 1000)
    matter = feed.matter(
        tale.kind, f"LG-tale-{tale.kind}", spot, sentence=tale.sentence, severity=tale.severity,
        at_ms=at_ms,
    )  # fmt: skip
    clocks = tuple(
        CaseClock(
            clock=clock,
            started_time_ms=at_ms,
            deadline_time_ms=at_ms + limit_s * 1000,
            stopped_time_ms=at_ms + limit_s * 400 if index < running else None,
        )
        for index, (clock, limit_s) in enumerate(limits[: running + 1])
    )
    case = msgspec.structs.replace(
        matter.case, state=tale.state, unit_name=tale.unit, level=tale.level, clocks=clocks
    )
    return type(matter)(matter.alert, matter.incident, case)


def at() -> int:
    return time.time_ns() // 1_000_000


def tell_sensors(feed: Any, dice: random.Random) -> None:
    """Say one reading of every sensor: most of them calm."""
    at_ms = at()
    for code, sensor in feed.city.sensors.items():
        spec = KINDS.get(sensor.kind)
        if spec is None:
            continue
        calm = CALM.get(sensor.kind, 0.0)
        loud = 1.5 if dice.random() < 0.01 else dice.uniform(0.9, 1.1)
        feed.say(
            SENSOR_READINGS,
            Reading(
                source=sensor.source, kind=sensor.kind, subject=code, event_time_ms=at_ms,
                value=max(spec.low, round(calm * loud, 1)), unit=spec.unit,
            ),
            key=code,
            flush=False,
        )  # fmt: skip
    feed.flush()


def tell_vessels(feed: Any, dice: random.Random, lost: str) -> int:
    """Say where every boat of the register is; but the lost one; return how many."""
    lon_deg, lat_deg = feed.middle()
    names = {one.code: name for name, one in reversed(feed.city.vessels.items())}
    for name in names.values():
        if name == lost:
            continue
        out = dice.random() ** 2 * 0.5
        bearing = dice.uniform(60, 150)
        feed.fix(
            name,
            lon_deg + 0.1 + out * math.sin(math.radians(bearing)),
            lat_deg - 0.06 + out * math.cos(math.radians(bearing)),
            sog_kn=round(dice.uniform(0, 9), 1),
            cog_deg=round(dice.uniform(0, 359), 1),
            flush=False,
        )  # fmt: skip
    feed.flush()
    return len(names) - 1


def sail_a_day(feed: Any, vessel: str, lon_deg: float, lat_deg: float) -> None:
    """Say a day's fixes of one boat, the last one here and now."""
    at_ms = at()
    for step in range(140, -1, -1):
        feed.fix(
            vessel,
            lon_deg - 0.0021 * step - 0.012 * math.sin(step / 16),
            lat_deg + 0.03 * math.sin(step / 22),
            event_time_ms=at_ms - step * 600_000,
            sog_kn=1.2,
            cog_deg=96.0,
            flush=False,
        )
    feed.flush()
