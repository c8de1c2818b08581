"""Threshold rule: an alert when a sensor's value is beyond a level of its kind.

State, per kind and sensor: the rung of the kind's ladder that the sensor is on,
what it asks for and since when (`streams.hysteresis`), and where it was. One
stay above rung 0 is one alert: onset, an update for each rung up or down, clear.
A kind without parameters is not watched. The levels and their sources are the
city's (`rules.toml`): there is no level in here.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from schemas.readings import ReadingBatch
from streams import hysteresis
from streams.keyed import Columns
from streams.rule import ColumnVerdict
from streams.threshold_kinds import Kind, Params
from streams.threshold_words import alert

__all__ = ["NAME", "STATE", "Kind", "Params", "close", "evaluate"]

NAME = "threshold"
STATE = np.dtype([*hysteresis.FIELDS, ("lon_deg", "<f8"), ("lat_deg", "<f8")])


def evaluate(batch: ReadingBatch, prior: Columns, params: Params) -> ColumnVerdict:
    """Return the alerts that the readings imply, given what was known before.

    Args:
        batch: Readings, each sensor's in event-time order.
        prior: State by key, of dtype `STATE`. Only gains keys.
        params: What is watched.

    Returns:
        Alerts by event time, and the new rows of all keys in the batch.
    """
    watched, ladder_of = _watched(batch.kind, params)
    if not len(watched):
        return ColumnVerdict([], watched, np.empty(0, STATE))
    slots = _slots(batch, prior, watched, ladder_of, list(params.kinds))
    table = prior.rows
    stepped = hysteresis.step(
        table,
        slots,
        batch.event_time_ms[watched],
        batch.value[watched],
        ladder_of=ladder_of,
        ladders=[kind.ladder() for kind in params.kinds.values()],
    )
    moved = stepped.last_row >= 0
    last = watched[stepped.last_row[moved]]
    stepped.rows["lon_deg"][moved] = batch.lon_deg[last]
    stepped.rows["lat_deg"][moved] = batch.lat_deg[last]
    alerts = []
    for move in stepped.moves:
        row = int(watched[move.row])
        known = table[move.slot] if move.row < 0 else None
        lon_deg = batch.lon_deg[row] if known is None else known["lon_deg"]
        lat_deg = batch.lat_deg[row] if known is None else known["lat_deg"]
        kind, subject = prior.keys[move.slot]
        alerts.append(alert(NAME, move, kind, subject, params, (lon_deg, lat_deg)))
    return ColumnVerdict(alerts, stepped.slots, stepped.rows)


def close(
    slots: NDArray[np.int64], prior: Columns, watermark_ms: int, params: Params
) -> ColumnVerdict:
    """Return the alerts that the passing of time implies.

    Args:
        slots: Keys whose `due_ms` is at or before the watermark, each once.
        prior: As in `evaluate`.
        watermark_ms: No earlier reading of these sensors is expected.
        params: What is watched; the state of a kind that no longer is is cleared.
    """
    number = {name: index for index, name in enumerate(params.kinds)}
    ladder_of = np.array([number.get(prior.keys[slot][0], -1) for slot in slots.tolist()], np.int64)
    watched, table = ladder_of >= 0, prior.rows
    stepped = hysteresis.close(
        table,
        slots[watched],
        watermark_ms,
        ladder_of=ladder_of[watched],
        ladders=[kind.ladder() for kind in params.kinds.values()],
    )
    alerts = []
    for move in stepped.moves:
        kind, subject = prior.keys[move.slot]
        place = (table["lon_deg"][move.slot], table["lat_deg"][move.slot])
        alerts.append(alert(NAME, move, kind, subject, params, place))
    dropped = np.zeros(int((~watched).sum()), STATE)
    return ColumnVerdict(
        alerts,
        np.concatenate((stepped.slots, slots[~watched])),
        np.concatenate((stepped.rows, dropped)),
    )


def _watched(kinds: Sequence[str], params: Params) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows of watched kinds, and the index of each one's ladder."""
    size = len(kinds)
    number = {name: index for index, name in enumerate(params.kinds)}
    if not size:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    if kinds.count(kinds[0]) == size:
        only = number.get(kinds[0])
        rows = np.arange(0 if only is None else size)
        return rows, np.full(len(rows), only or 0)
    index = np.fromiter((number.get(kind, -1) for kind in kinds), np.int64, size)
    rows = np.flatnonzero(index >= 0)
    return rows, index[rows]


def _slots(
    batch: ReadingBatch,
    prior: Columns,
    rows: NDArray[np.int64],
    ladder_of: NDArray[np.int64],
    kinds: list[str],
) -> NDArray[np.int64]:
    """Return the slot of each of the rows; a kind is a family of keys."""
    subjects = batch.subject
    if len(rows) == len(subjects) and (ladder_of[0] == ladder_of).all():
        return prior.slots(subjects, kinds[ladder_of[0]])
    slots = np.empty(len(rows), np.int64)
    for index in np.unique(ladder_of).tolist():
        here = ladder_of == index
        slots[here] = prior.slots([subjects[row] for row in rows[here].tolist()], kinds[index])
    return slots
