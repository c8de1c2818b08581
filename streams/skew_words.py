"""What an alert about a wrong clock says, as one plain Chinese sentence."""

from enum import StrEnum
from typing import NamedTuple

from schemas.alerts import Transition

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3_600, 86_400
_EASTERNMOST_H = 14
"""UTC+14, the zone furthest ahead (Kiritimati)."""
_NEAR_S = 300
"""Delivery takes time, so local time sent as UTC looks somewhat less than a whole hour ahead."""


class Cause(StrEnum):
    """What is likely wrong with a clock that is ahead."""

    LOCAL_TIME = "local-time-as-utc"
    NOT_SET = "not-set"


class Facts(NamedTuple):
    """What a sentence is made of: the device, its median, what it was held against."""

    source: str
    subject: str
    median_s: float
    limit_s: float
    of_last: int


def cause(ahead_s: float) -> Cause:
    """Return what likely makes a clock `ahead_s` ahead."""
    hours = round(ahead_s / _HOUR_S)
    near = abs(ahead_s - hours * _HOUR_S) <= _NEAR_S
    return Cause.LOCAL_TIME if near and 1 <= hours <= _EASTERNMOST_H else Cause.NOT_SET


def sentence(transition: Transition, facts: Facts) -> str:
    """Return the sentence of an onset or a clear."""
    head = f"{facts.subject}（来源 {facts.source}）的时钟"
    of_what = f"最近 {facts.of_last} 条数据的中位数"
    limit = f"限值 {facts.limit_s:g} 秒"
    if transition is Transition.CLEAR:
        side = "快" if facts.median_s >= 0 else "慢"
        return f"{head}已恢复：比接收时间{side} {_span(abs(facts.median_s))}（{of_what}，{limit}）"
    ahead = f"{head}比接收时间快 {_span(facts.median_s)}（{of_what}，{limit}）"
    if cause(facts.median_s) is Cause.LOCAL_TIME:
        hours = round(facts.median_s / _HOUR_S)
        return f"{ahead}，很可能把 UTC+{hours} 的当地时间当作 UTC 时间发送，请改正时区"
    return f"{ahead}，请检查设备对时"


def _span(seconds: float) -> str:
    """Return a length of time in its own size, as exact as one needs it."""
    for unit_s, unit in ((_DAY_S, "天"), (_HOUR_S, "小时"), (_MINUTE_S, "分钟")):
        if seconds >= 2 * unit_s:
            return f"{round(seconds / unit_s, 1):g} {unit}"
    return f"{round(seconds, 1):g} 秒"
