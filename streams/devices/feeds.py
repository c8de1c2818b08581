"""Feed volume: a feed that comes thin, or not at all, against its own usual.

`feed.degraded`: less than a share of what is usual at this hour of the day, for
minutes; `feed.down`: nothing for twice its usual gap. What is
usual is learned: by hour of the day once such an hour was seen whole, else from
the last half hour. Counts run on wall time, since nothing that happens on a feed
can tell that nothing does.

State, per feed: the running minute, the usual counts and gap, and what is told.
"""

from enum import StrEnum
from typing import NamedTuple

import msgspec

from schemas.alerts import Alert, Severity, Transition
from schemas.heard import Heard
from schemas.ids import uuid5

NAME = "feeds"
DEGRADED, DOWN = "feed.degraded", "feed.down"
MINUTES = 5
"""A feed is thin when it was for so many minutes."""

_MINUTE_MS = 60_000
_HOUR_MINUTES = 60
_SLOW_MINUTES = 30  # over which the recent mean runs
_GAP_MEMORY = 256  # records after which a long gap is mostly forgotten
_DAY_SHARE = 0.3  # of today in what is usual at an hour
_WHOLE_HOUR = 50  # minutes heard of an hour before it counts


class Params(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Table `[feeds]` of rules.toml.

    Attributes:
        learn_s: A feed is heard so long before anything of it is called usual.
        share: Below this share of the usual count a feed is thin.
        least_events: Where fewer are usual in five minutes, thinness says nothing.
        down_gaps: A feed is down after so many of its usual gaps,
        down_at_least_s: and after at least so long.
    """

    learn_s: int = 600
    share: float = 0.5
    least_events: int = 20
    down_gaps: float = 2.0
    down_at_least_s: int = 120


class Standing(StrEnum):
    """How a feed stands."""

    FINE = "fine"
    THIN = "thin"
    DOWN = "down"


class Feed(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of one feed; instants without a word are wall time.

    Attributes:
        first_ms, heard_ms: When it was heard first, and last.
        time_ms: The newest event time on it.
        resumed_ms: Event time since which it is heard without a long pause.
        next_offset: Of the counts; earlier ones were taken.
        minute, current: The running minute since 1970, and its count.
        counts: Of the latest whole minutes, oldest first.
        mean: Per minute, of the last half hour; `minutes` that it is of, up to 30.
        hours: Usual count per minute, by hour of the day.
        hour_sum, hour_minutes: Of the running hour.
        gap_ms: The longest usual gap.
        standing, onset_ms: How it stands, and since when it is told.
    """

    first_ms: int
    heard_ms: int
    time_ms: int
    resumed_ms: int
    next_offset: int = 0
    minute: int = 0
    current: int = 0
    counts: tuple[int, ...] = ()
    mean: float = 0.0
    minutes: int = 0
    hours: dict[int, float] = msgspec.field(default_factory=dict)
    hour_sum: int = 0
    hour_minutes: int = 0
    gap_ms: float = 0.0
    standing: Standing = Standing.FINE
    onset_ms: int = 0


class Now(NamedTuple):
    """The moment of a look.

    Attributes:
        now_ms: Wall time.
        offset_ms: Of local time from UTC.
        watched_ms: Since when anybody listens: a watcher that was away heard nothing.
    """

    now_ms: int
    offset_ms: int
    watched_ms: int


def heard(
    source: str, feed: Feed | None, said: Heard, offset: int, *, watched_ms: int, pause_ms: int
) -> tuple[Feed, list[Alert]]:
    """Return the feed after one more count, and the end of its silence.

    Args:
        source: The feed's name.
        feed: As it stood at that moment (`judged`); None for a new one.
        said: The count.
        offset: Of that record.
        watched_ms: Wall time since when anybody listens: no gap is older.
        pause_ms: A pause in event time after which devices are given time anew.
    """
    at_ms = said.ingest_time_ms or said.event_time_ms
    if feed is None:
        feed = Feed(at_ms, at_ms, said.event_time_ms, said.event_time_ms)
        feed = msgspec.structs.replace(feed, minute=at_ms // _MINUTE_MS)
    alerts = []
    gap_ms = feed.gap_ms
    if feed.standing is Standing.DOWN:
        silent_ms = at_ms - feed.heard_ms
        alerts.append(_alert(source, feed, Transition.CLEAR, at_ms, silent_ms=silent_ms))
        feed = msgspec.structs.replace(feed, standing=Standing.FINE, counts=(), onset_ms=0)
    else:
        gap = max(0, at_ms - max(feed.heard_ms, watched_ms))
        gap_ms = max(gap, gap_ms - (gap_ms - gap) / _GAP_MEMORY)
    paused = said.event_time_ms - feed.time_ms > pause_ms
    feed = msgspec.structs.replace(
        feed,
        heard_ms=max(feed.heard_ms, at_ms),
        resumed_ms=said.event_time_ms if paused else feed.resumed_ms,
        time_ms=max(feed.time_ms, said.event_time_ms),
        next_offset=offset + 1,
        current=feed.current + said.count,
        gap_ms=gap_ms,
    )
    return feed, alerts


def judged(source: str, feed: Feed, now: Now, params: Params) -> tuple[Feed, list[Alert]]:
    """Return the feed as it stands now, and what of it is to be told."""
    alerts: list[Alert] = []
    this_minute, watched = now.now_ms // _MINUTE_MS, now.watched_ms // _MINUTE_MS
    if watched > feed.minute or this_minute - feed.minute > _HOUR_MINUTES:
        # Nobody watched: what was not counted is no thin feed, and what is usual is kept.
        feed = msgspec.structs.replace(
            feed, minute=this_minute, current=0, counts=(), hour_sum=0, hour_minutes=0
        )
    while feed.minute < this_minute:
        ends = now._replace(now_ms=(feed.minute + 1) * _MINUTE_MS)
        feed = _fallen(source, feed, ends, params, alerts)
        feed = _minute_over(source, feed, now.offset_ms, params, alerts)
    return _fallen(source, feed, now, params, alerts), alerts


def due_ms(feed: Feed, watched_ms: int, params: Params) -> int | None:
    """Return when the feed is down unless it is heard before; None if it is, or is not learned.

    Args:
        feed: As it stands.
        watched_ms: Wall time since when anybody listens.
        params: The city's.
    """
    learned = feed.heard_ms - feed.first_ms >= params.learn_s * 1000
    if not learned or feed.standing is Standing.DOWN:
        return None
    return max(feed.heard_ms, watched_ms) + _patience_ms(feed, params)


def _patience_ms(feed: Feed, params: Params) -> int:
    return int(max(params.down_gaps * feed.gap_ms, params.down_at_least_s * 1000))


def _fallen(source: str, feed: Feed, now: Now, params: Params, alerts: list[Alert]) -> Feed:
    """Return the feed, down if nothing was heard for too long by now."""
    down_ms = due_ms(feed, now.watched_ms, params)
    if down_ms is None or now.now_ms < down_ms:
        return feed
    silent_ms = _patience_ms(feed, params)
    if feed.standing is Standing.THIN:
        alerts.append(_alert(source, feed, Transition.CLEAR, down_ms))
    feed = msgspec.structs.replace(feed, standing=Standing.DOWN, onset_ms=down_ms)
    alerts.append(_alert(source, feed, Transition.ONSET, down_ms, silent_ms=silent_ms))
    return feed


def _minute_over(
    source: str, feed: Feed, offset_ms: int, params: Params, alerts: list[Alert]
) -> Feed:
    """Return the feed with its running minute closed."""
    counts = (*feed.counts, feed.current)[-MINUTES:]
    at_ms = (feed.minute + 1) * _MINUTE_MS
    local = feed.minute + offset_ms // _MINUTE_MS
    # Where an hour begins, the five minutes are of two: the lesser usual holds.
    around = (_hour(local), _hour(local - MINUTES + 1))
    usual = min(feed.hours.get(hour, feed.mean) for hour in around) * MINUTES
    learned = feed.heard_ms - feed.first_ms >= params.learn_s * 1000
    known = learned and len(counts) == MINUTES and usual >= params.least_events
    is_thin = known and sum(counts) < params.share * usual
    closed = msgspec.structs.replace(feed, minute=feed.minute + 1, current=0, counts=counts)
    if feed.standing is Standing.DOWN:
        return closed
    if is_thin and feed.standing is Standing.FINE:
        closed = msgspec.structs.replace(closed, standing=Standing.THIN, onset_ms=at_ms)
        alerts.append(_alert(source, closed, Transition.ONSET, at_ms, usual=usual))
    elif known and not is_thin and feed.standing is Standing.THIN:
        alerts.append(_alert(source, closed, Transition.CLEAR, at_ms, usual=usual))
        closed = msgspec.structs.replace(closed, standing=Standing.FINE, onset_ms=0)
    return _learned(closed, feed.current, local) if closed.standing is Standing.FINE else closed


def _hour(local_minute: int) -> int:
    return local_minute // _HOUR_MINUTES % 24


def _learned(feed: Feed, count: int, local_minute: int) -> Feed:
    """Return the feed with one more minute, of local time, in what is usual."""
    minutes = min(feed.minutes + 1, _SLOW_MINUTES)
    feed = msgspec.structs.replace(
        feed,
        mean=feed.mean + (count - feed.mean) / minutes,
        minutes=minutes,
        hour_sum=feed.hour_sum + count,
        hour_minutes=feed.hour_minutes + 1,
    )
    if (local_minute + 1) % _HOUR_MINUTES:
        return feed
    hour = _hour(local_minute)
    hours = dict(feed.hours)
    if feed.hour_minutes >= _WHOLE_HOUR:
        today = feed.hour_sum / feed.hour_minutes
        before = hours.get(hour, today)
        hours[hour] = before + _DAY_SHARE * (today - before)
    return msgspec.structs.replace(feed, hours=hours, hour_sum=0, hour_minutes=0)


def _alert(
    source: str,
    feed: Feed,
    transition: Transition,
    at_ms: int,
    *,
    usual: float | None = None,
    silent_ms: int | None = None,
) -> Alert:
    is_down = feed.standing is Standing.DOWN
    kind = DOWN if is_down else DEGRADED
    alert_id = uuid5(NAME, kind, source, feed.onset_ms)
    value = silent_ms / 1000 if is_down and silent_ms is not None else float(sum(feed.counts))
    return Alert(
        source="citybrain.feeds",
        kind=kind,
        subject=source,
        event_time_ms=at_ms,
        id=uuid5(alert_id, transition, at_ms),
        alert_id=alert_id,
        rule=NAME,
        transition=transition,
        severity=Severity.SEVERE if is_down else Severity.MODERATE,
        onset_time_ms=feed.onset_ms,
        value=value,
        limit=usual,
        unit="s" if is_down else "1",
        reason=_reason(transition, is_down=is_down),
        sentence=_sentence(source, transition, value, usual, is_down=is_down),
    )


def _reason(transition: Transition, *, is_down: bool) -> str:
    if transition is Transition.CLEAR:
        return "heard-again" if is_down else "as-usual-or-down"
    return "nothing-heard" if is_down else "less-than-usual"


def _sentence(
    source: str, transition: Transition, value: float, usual: float | None, *, is_down: bool
) -> str:
    if is_down:
        over = transition is Transition.CLEAR
        return f"数据源 {source} {'恢复，此前中断' if over else '已中断'} {value / 60:.0f} 分钟"
    if transition is Transition.CLEAR:
        return f"数据源 {source} 流量偏低结束"
    return f"数据源 {source} 近 {MINUTES} 分钟 {value:.0f} 条，平时约 {usual or 0:.0f} 条"
