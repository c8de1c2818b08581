"""How a unit does: the promises that it kept, what ended with it, what came back."""

import msgspec

from schemas.envelope import Envelope


class ClockScore(msgspec.Struct, frozen=True):
    """One promise: how often it was `due`, and `kept` in time."""

    clock: str
    due: int
    kept: int


class Kpi(Envelope, frozen=True, kw_only=True, omit_defaults=True):
    """One unit's figures as of `event_time_ms`; `subject` is the unit.

    Attributes:
        level: Level of the unit; `area` sums up a community or the city,
            `whole-department` the crews of a department.
        unit_name: Its name.
        period: Local month, such as `2026-05`.
        cases: Cases that it was sent to; `ended` of them are over.
        ended_at_community: Over without department, city or leader.
        share_at_community: Of `ended`; `target` is the city's promise.
        clocks: The four promises.
        returns: Orders handed back.
        reopens: Cases that came back after their end.
        reminders, reminders_worked: Loudspeaker calls; those after which nobody went.
    """

    level: str
    unit_name: str = ""
    period: str = ""
    cases: int = 0
    ended: int = 0
    ended_at_community: int = 0
    share_at_community: float | None = None
    target: float = 0.9
    clocks: tuple[ClockScore, ...] = ()
    returns: int = 0
    reopens: int = 0
    reminders: int = 0
    reminders_worked: int = 0
