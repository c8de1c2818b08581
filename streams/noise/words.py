"""What a noise alert says, as one plain Chinese sentence."""

from typing import NamedTuple

from schemas.alerts import Transition
from streams.noise.ladder import GRID_WORKER, POLICE, Params, Reason, Step

_MINUTE_S = 60


class Facts(NamedTuple):
    """What a sentence is made of.

    Attributes:
        place: Name of the venue, or id of the sensor.
        clock: Local time as `20:14`.
        leq_db: Leq of the window, dB(A); None when there was none.
        limit_db: The limit, dB(A); None when there was no window.
        limit: The limit in words: `昼间限值 60 dB(A)（2类区）`.
        lasted_ms: Since the onset.
    """

    place: str
    clock: str
    leq_db: float | None
    limit_db: float | None
    limit: str
    lasted_ms: int


_WHAT_NEXT = {
    Reason.HELD: "已播放提醒",
    Reason.NO_LOUDSPEAKER: "此处不用喇叭，请网格员到场劝导",
    Reason.NIGHT_QUIET: "夜间静区不用喇叭，请网格员到场劝导",
    Reason.REMINDER_RESTS: "刚提醒过又超限，请网格员到场劝导",
    Reason.LIMIT_CHANGED: "限值自此时起改变",
}


def sentence(step: Step, facts: Facts, params: Params) -> str:
    """Return the sentence of one step."""
    head = f"{facts.place} {facts.clock}"
    if facts.leq_db is None or facts.limit_db is None:
        minutes = params.silence_s // _MINUTE_S
        return f"{head} 声级数据已中断 {minutes} 分钟，{_matter(step)}就此结束"
    head = f"{head} 等效声级 {facts.leq_db:.1f} dB(A)"
    excess = facts.leq_db - facts.limit_db
    if step.transition is Transition.CLEAR:
        return f"{head}，{_ended(step, facts, params)}"
    if step.is_warning:
        if excess <= 0:
            return f"{head}，接近{facts.limit}，还差 {-excess:.1f} dB"
        # A warning too: over the limit, but not yet for long enough.
        minutes = params.exceed_for_s // _MINUTE_S
        return f"{head}，已高出{facts.limit} {excess:.1f} dB，尚未满 {minutes} 分钟"
    lasted = facts.lasted_ms // (_MINUTE_S * 1000)
    return f"{head}，超过{facts.limit} {excess:.1f} dB，已持续 {lasted} 分钟，{_next(step)}"


def corrected(was: float, now: float, undoes: bool, original: str) -> str:  # noqa: FBT001 - a fact
    """Return the sentence of a correction of the message that said `original`."""
    verdict = "，按补到的数据原判断不成立" if undoes else ""
    change = f"等效声级由 {was:.1f} 改为 {now:.1f} dB(A)"
    return f"更正：补到迟到数据后{change}{verdict}。原消息：{original}"


def _matter(step: Step) -> str:
    return "预警" if step.is_warning else "告警"


def _ended(step: Step, facts: Facts, params: Params) -> str:
    if step.reason is Reason.EXCEEDED:
        return f"持续超过{facts.limit}，预警转为告警"
    minutes = params.clear_for_s // _MINUTE_S
    if step.reason is Reason.RECEDED:
        return f"已连续 {minutes} 分钟远低于{facts.limit}，预警结束"
    why = "限值已变" if step.reason is Reason.LIMIT_CHANGED else "自行改正"
    return f"已连续 {minutes} 分钟低于{facts.limit}，{why}，告警结束"


def _next(step: Step) -> str:
    if step.reason in _WHAT_NEXT:
        return _WHAT_NEXT[step.reason]
    if step.rung == GRID_WORKER:
        return "提醒后仍超限，请网格员到场劝导"
    if step.rung == POLICE:
        return "劝导后仍超限，请民警到场"
    raise ValueError(f"no words for {step}")
