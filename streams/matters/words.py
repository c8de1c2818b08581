"""One form for what is said about a case: a field update or a command."""

from typing import NamedTuple

from schemas.commands import CaseAction, CaseCommand
from schemas.dispatch import DispatchUpdate, FieldAction
from schemas.ids import uuid5

SUPERVISORS = frozenset({"supervisor", "desk", "admin"})
_MOST_NAME, _MOST_TEXT = 256, 2_000
_MOST_WITHIN_S = 31 * 86_400
_LEAST_RING = 6  # numbers of a triangle
_MOST_LON_DEG, _MOST_LAT_DEG = 180.0, 90.0
REMINDED = frozenset({FieldAction.REMINDER_PLAYED, FieldAction.REMINDER_FAILED})


class Word(NamedTuple):
    """Somebody says something about a case.

    Attributes:
        key: What makes it unlike any other of its source.
        action: What is said; a loudspeaker's report has an action of its own.
        at_ms: The wall instant when intake took it, at most now: what waited in
            Kafka through an outage is not held against those who said it.
        by, role, unit: Who; an update of the field says only `by`.
        order_id: What it is about; "" means the unit's own, else the current one.
        to_unit: Who is to have it, where it is handed over.
        said_ms: When it was said: by the sender's clock, at most `at_ms`.
    """

    key: str
    action: CaseAction | FieldAction
    at_ms: int
    by: str
    role: str = ""
    unit: str = ""
    order_id: str = ""
    reason: str = ""
    photo: str = ""
    at_lon_deg: float | None = None
    at_lat_deg: float | None = None
    to_unit: str = ""
    said_ms: int = 0

    @property
    def place(self) -> tuple[float, float] | None:
        """Where it was said, longitude and latitude."""
        if self.at_lon_deg is None or self.at_lat_deg is None:
            return None
        return self.at_lon_deg, self.at_lat_deg


def of_update(update: DispatchUpdate, now_ms: int) -> Word:
    """Return the word that a field update says."""
    name = update.id or uuid5(update.subject, update.action, update.by, update.event_time_ms)
    action = update.action
    at_ms = min(update.ingest_time_ms or now_ms, now_ms)
    is_placed = is_on_earth(update.at_lon_deg, update.at_lat_deg)
    return Word(
        key=f"{update.source}/{name}",
        action=action if action in REMINDED else CaseAction(action.value),
        at_ms=at_ms,
        by=update.by,
        order_id=update.order_id,
        reason=update.reason,
        at_lon_deg=update.at_lon_deg if is_placed else None,
        at_lat_deg=update.at_lat_deg if is_placed else None,
        said_ms=min(update.event_time_ms, at_ms),
    )


def of_command(command: CaseCommand, now_ms: int) -> Word:
    """Return the word that a command says."""
    at_ms = min(command.ingest_time_ms or now_ms, now_ms)
    return Word(
        key=f"{command.source}/{id_of(command)}",
        action=command.action,
        at_ms=at_ms,
        by=command.by,
        role=command.role,
        unit=command.unit,
        order_id=command.order_id,
        reason=command.reason,
        photo=command.photo,
        at_lon_deg=command.at_lon_deg,
        at_lat_deg=command.at_lat_deg,
        to_unit=command.to_unit,
        said_ms=min(command.event_time_ms, at_ms),
    )


def unfit(command: CaseCommand) -> str | None:
    """Return what in a command is beyond all bounds, whoever asks and of whatever case."""
    names = (id_of(command), command.by, command.role, command.unit, command.order_id)
    texts = (command.reason, command.text, command.photo)
    if max(map(len, names)) > _MOST_NAME or max(map(len, texts)) > _MOST_TEXT:
        return f"too-long: names have at most {_MOST_NAME} letters, texts {_MOST_TEXT}"
    if command.within_s is not None and not 0 < command.within_s <= _MOST_WITHIN_S:
        return f"bad-time: `within_s` is 1 to {_MOST_WITHIN_S}"
    corners = len(command.ring_deg)
    if corners % 2 or 0 < corners < _LEAST_RING:
        return "bad-ring: three corners or more, each as longitude and latitude"
    place = command.at_lon_deg, command.at_lat_deg
    if place != (None, None) and not is_on_earth(*place):
        return "bad-place: `at_lon_deg` and `at_lat_deg` are a place on earth, both or none"
    return None


def is_on_earth(lon_deg: float | None, lat_deg: float | None) -> bool:
    """Say whether two numbers are a place."""
    if lon_deg is None or lat_deg is None:
        return False
    return abs(lon_deg) <= _MOST_LON_DEG and abs(lat_deg) <= _MOST_LAT_DEG


def id_of(command: CaseCommand) -> str:
    """Return the sender's own id, or one made of what the command says."""
    return command.id or uuid5(command.subject, command.action, command.by, command.event_time_ms)
