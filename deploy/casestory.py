"""A case in plain words: each step one sentence, in Chinese and in English."""

from collections.abc import Mapping
from typing import Any, Final

from deploy.render import local_time
from schemas.instants import instant_of

# action -> what it says; {who} did it, {unit} is whom it moved, {why} the reason.
_SAID: Final[Mapping[str, tuple[str, str]]] = {
    "opened": ("案卷建立{why}", "case opened{why}"),
    "issued": ("派单给{unit}{why}", "order issued to {unit}{why}"),
    "escalated": ("升级到{unit}{why}", "escalated to {unit}{why}"),
    "reminder": ("{unit}播报提醒{why}", "{unit} speaks a reminder{why}"),
    "reminder-played": ("提醒已播出", "the reminder was played"),
    "reminder-failed": ("提醒未能播出", "the reminder failed"),
    "reminder-timed-out": ("{unit}未回报是否播出", "{unit} has not reported whether it spoke"),
    "grew": ("事态扩大{why}", "it has grown{why}"),
    "repeated": ("再次通知{unit}{why}", "{unit} is told again{why}"),
    "breached": ("超时：{clock}时限（{deadline}）{late}", "breached: {clock} by {deadline}{late}"),
    "relapse": ("问题复发，案件重启", "it came back: the case is taken up again"),
    "rung-risen": ("事态升级，案件重启", "it got worse: the case is taken up again"),
    "ack-timeout": ("{unit}受理后未出发，收回派单", "{unit} did not depart: order taken back"),
    "review-overdue": ("退单无人审核，已超时", "nobody reviewed the return in time"),
    "unverified": ("{unit}已处置，尚无凭据", "{unit} handled it; nothing proves it yet"),
    "verified": ("已核查{why}", "verified{why}"),
    "unanswered": ("{unit}未按时响应", "{unit} has not answered in time"),
    "closed": ("结案{why}", "closed{why}"),
    "resumed": ("恢复计时", "the clocks run again"),
    "joined": ("并入{why}", "joined by {why}"),
    "accept": ("{who}受理", "{who} accepts"),
    "depart": ("{who}出发", "{who} departs"),
    "arrive": ("{who}到场", "{who} arrives"),
    "handle": ("{who}处置完毕{photo}", "{who} has handled it{photo}"),
    "verify": ("{who}核查{why}{photo}", "{who} verifies{why}{photo}"),
    "close": ("{who}结案{why}", "{who} closes it{why}"),
    "return": ("{who}退单{why}", "{who} hands it back{why}"),
    "false-alarm": ("{who}认定误报{why}", "{who} calls it a false alarm{why}"),
    "reassign": ("{who}改派给{unit}{why}", "{who} reassigns it to {unit}{why}"),
    "take-over": ("{who}接管{why}", "{who} takes it over{why}"),
    "review": ("{who}审核退单{why}", "{who} reviews the return{why}"),
    "merge": ("{who}并案{why}", "{who} merges it{why}"),
    "reopen": ("{who}重新立案{why}", "{who} reopens it{why}"),
    "pause": ("{who}暂停计时{why}", "{who} lets the clocks stand{why}"),
    "resume": ("{who}恢复计时", "{who} lets the clocks run"),
    "note": ("{who}备注{why}", "{who} notes{why}"),
    "helpers": ("{who}请求联勤{why}", "{who} asks for helpers{why}"),
    "city-task": ("市级任务下达{why}", "task of the city{why}"),
    "receipt": ("{who}签收", "{who} has received it"),
    "whistle": ("{who}吹哨{why}", "{who} whistles{why}"),
    "report-in": ("{who}报到", "{who} reports in"),
    "supervise": ("{who}督办{unit}{why}", "{who} supervises {unit}{why}"),
    "status": ("{unit}报告状态{why}", "{unit} says how it stands{why}"),
    "visit": ("综合检查{why}", "joint inspection{why}"),
}
STATES: Final[Mapping[str, str]] = {
    "detected": "已发现",
    "dispatched": "已派遣",
    "accepted": "已受理",
    "departed": "已出发",
    "on-site": "已到场",
    "handled": "已处置",
    "handled-unverified": "已处置待核查",
    "verified": "已核查",
    "closed": "已结案",
    "returned": "已退回",
    "false-alarm": "误报",
    "merged": "已并案",
}
CLOCKS: Final[Mapping[str, str]] = {
    "respond": "响应",
    "order": "派单",
    "depart": "出发",
    "on-site": "到场处置",
}
UNIT_STATES: Final[Mapping[str, str]] = {
    "free": "空闲",
    "busy": "忙碌",
    "off": "休班",
    "unreachable": "失联",
}
SPENT_ZH: Final[Mapping[str, str]] = {
    "machine": "系统",
    "queue": "等待",
    "person": "人员",
    "travel": "路途",
}


def step_in_words(event: Mapping[str, Any]) -> str:
    """Return one step as `time  Chinese  English`; an action without words shows its name."""
    action = str(event.get("action", ""))
    zh, en = _SAID.get(action, (action, action))
    why = event.get("reason", "")
    photo = event.get("photo", "")
    deadline = local_time(event["deadline_time"]) if event.get("deadline_time") else ""
    said = {
        "who": event.get("by", ""),
        "unit": event.get("unit", ""),
        "why": f": {why}" if why else "",
        "photo": f" [{photo}]" if photo else "",
        "deadline": deadline,
        "late": " (late-detected)" if event.get("late_detected") else "",
    }
    clock = str(event.get("clock", ""))
    in_chinese = zh.format(**said, clock=CLOCKS.get(clock, clock))
    in_english = en.format(**said, clock=clock)
    split = f"  {spent_in_words(event)}" if action == "breached" else ""
    return f"{local_time(event.get('event_time'))}  {in_chinese}  {in_english}{split}"


def spent_in_words(fields: Mapping[str, Any]) -> str:
    """Return what the time was spent on: `系统 machine 0:05 · 等待 queue 1:00`."""
    parts = [
        f"{zh} {name} {minutes(int(fields[f'{name}_ms']))}"
        for name, zh in SPENT_ZH.items()
        if fields.get(f"{name}_ms")
    ]
    return " · ".join(parts)


def head_of(record: Mapping[str, Any]) -> list[str]:
    """Return a case's heading: what, where it stands, whose it is, how its clocks stand."""
    state = str(record.get("state", ""))
    owner = record.get("unit_name") or record.get("unit") or "-"
    place = record.get("area") or record.get("community", "")
    felt, known = local_time(record.get("opened_time")), local_time(record.get("created_time"))
    lines = [
        f"{record['case_id']}  {record.get('incident_kind', '')}  {place}",
        f"  状态 state     {STATES.get(state, state)} {state} · stage {record.get('stage', '')}",
        f"  负责 owner     {owner} ({record.get('level', '-')})",
        f"  时间 since     {felt} as felt, {known} as known",
    ]
    if record.get("incident_id") and not record.get("function"):
        lines.append(f"  事件 incident  {record['incident_id']}")
    if split := spent_in_words(record):
        lines.append(f"  用时 spent     {split}")
    if record.get("department"):
        facts = (record["department"], record.get("field", ""), record.get("matter", ""))
        table = f" (table {record['law_version']})" if record.get("law_version") else ""
        lines.append(f"  执法 by law    {' · '.join(facts)}{table}")
    orders = record.get("orders", ())
    if len(orders) > 1:
        lines.append(f"  派单 orders    {', '.join(map(_order_in_words, orders))}")
    if record.get("paused_ms"):
        lines.append(f"  暂停 paused    {minutes(int(record['paused_ms']))}")
    if record.get("verified"):
        lines.append(f"  凭据 proof     {record['verified']}")
    asked = [name for name in ("answered", "unanswered") if record.get(name)]
    return lines + [f"  {name:<14} {', '.join(record[name])}" for name in asked]


def standing_in_words(status: Mapping[str, Any], now_ms: int) -> str:
    """Return how a unit stands: `忙碌 busy  1 orders  120.55300,27.57500 0:20 ago`."""
    state = str(status["state"])
    said = f"{UNIT_STATES.get(state, state)} {state:<11} {status.get('orders', 0)} orders"
    if "seen_time" not in status:
        return said
    place = f"{status['lon_deg']:.5f},{status['lat_deg']:.5f}"
    return f"{said}  {place} {minutes(now_ms - instant_of(status['seen_time']))} ago"


def answers_in_words(record: Mapping[str, Any]) -> str:
    """Return how many units of a function have answered, and some that have not."""
    answered, waiting = record.get("answered", ()), record.get("unanswered", ())
    some = f": {', '.join(waiting[:3])}{' …' if len(waiting) > 3 else ''}" if waiting else ""  # noqa: PLR2004 - a line
    said = f"已响应 answered {len(answered)} · 未响应 waiting for {len(waiting)}{some}"
    return f"{said} · due {local_time(record['due_time'])}" if record.get("due_time") else said


def _order_in_words(order: Mapping[str, Any]) -> str:
    part = f" {order['part']}" if order.get("part") else ""
    return f"{order['unit']}{part} {order['state']}"


def clock_in_words(clock: Mapping[str, Any], now_ms: int) -> str:
    """Return a clock as `响应 respond 0:42`, kept, broken, or how long is left."""
    name = str(clock["clock"])
    due_ms = instant_of(clock["deadline_time"])
    if clock.get("note") == "breach":
        how = "超时 broken"
    elif clock.get("stopped_time"):
        how = "按时 kept"
    else:
        how = f"{minutes(due_ms - now_ms)} left"
    return f"{CLOCKS.get(name, name)} {name} {how}"


def minutes(length_ms: int) -> str:
    """Return a length as `1:05`, or `-0:20`."""
    sign, seconds = ("-", -length_ms // 1000) if length_ms < 0 else ("", length_ms // 1000)
    return f"{sign}{seconds // 60}:{seconds % 60:02d}"
