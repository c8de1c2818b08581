"""Threshold rule: an alert when a sensor's value is beyond a level of its kind.

State, per kind and sensor: the rung of the ladder that the sensor is on, what it
asks for and since when (`streams.hysteresis`), and where it was. One stay above
rung 0 is one alert: onset, an update for each rung up or down, clear. A kind
without parameters is not watched. The levels and their sources are the city's
(`rules.toml`, and its stations' own): there is no level in here.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from schemas.readings import ReadingBatch
from streams import hysteresis
from streams.keyed import Columns
from streams.rule import ColumnVerdict
from streams.threshold_kinds import Kind, Params, Setting, setting_of
from streams.threshold_words import alert

__all__ = ["NAME", "STATE", "Kind", "Params", "Setting", "close", "evaluate", "setting_of"]

NAME = "threshold"
STATE = np.dtype([*hysteresis.FIELDS, ("lon_deg", "<f8"), ("lat_deg", "<f8")])


def evaluate(batch: ReadingBatch, prior: Columns, setting: Setting) -> ColumnVerdict:
    """Return the alerts that the readings imply, given what was known before.

    Args:
        batch: Readings, each sensor's in event-time order.
        prior: State by key, of dtype `STATE`. Only gains keys.
        setting: What is watched.

    Returns:
        Alerts by event time, and the new rows of all keys in the batch.
    """
    watched, ladder_of = _watched(batch, setting)
    if not len(watched):
        return ColumnVerdict([], watched, np.empty(0, STATE))
    slots = _slots(batch, prior, watched)
    table = prior.rows
    here, ladders = _ladders(ladder_of, setting)
    stepped = hysteresis.step(
        table,
        slots,
        batch.event_time_ms[watched],
        batch.value[watched],
        ladder_of=here,
        ladders=ladders,
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
        alerts.append(alert(NAME, move, prior.keys[move.slot], setting, (lon_deg, lat_deg)))
    return ColumnVerdict(alerts, stepped.slots, stepped.rows)


def close(
    slots: NDArray[np.int64], prior: Columns, watermark_ms: int, setting: Setting
) -> ColumnVerdict:
    """Return the alerts that the passing of time implies.

    Args:
        slots: Keys whose `due_ms` is at or before the watermark, each once.
        prior: As in `evaluate`.
        watermark_ms: No earlier reading of these sensors is expected.
        setting: What is watched; the state of what no longer is is cleared.
    """
    ladder_of = np.array(
        [setting.ladder_of(*prior.keys[slot]) for slot in slots.tolist()], np.int64
    )
    watched, table = ladder_of >= 0, prior.rows
    here, ladders = _ladders(ladder_of[watched], setting)
    stepped = hysteresis.close(table, slots[watched], watermark_ms, ladder_of=here, ladders=ladders)
    alerts = []
    for move in stepped.moves:
        place = (table["lon_deg"][move.slot], table["lat_deg"][move.slot])
        alerts.append(alert(NAME, move, prior.keys[move.slot], setting, place))
    dropped = np.zeros(int((~watched).sum()), STATE)
    return ColumnVerdict(
        alerts,
        np.concatenate((stepped.slots, slots[~watched])),
        np.concatenate((stepped.rows, dropped)),
    )


def _watched(batch: ReadingBatch, setting: Setting) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the watched rows, and the index of each one's ladder."""
    kinds, size = batch.kind, len(batch.kind)
    if not size:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    if kinds.count(kinds[0]) == size and kinds[0] not in setting.of_sensor:
        only = setting.of_kind.get(kinds[0])
        rows = np.arange(0 if only is None else size)
        return rows, np.full(len(rows), only or 0)
    of_kind = setting.of_kind
    index = np.fromiter((of_kind.get(kind, -1) for kind in kinds), np.int64, size)
    for name, stations in setting.of_sensor.items():
        mine = [row for row, kind in enumerate(kinds) if kind == name]
        index[mine] = [stations.get(batch.subject[row], -1) for row in mine]
    rows = np.flatnonzero(index >= 0)
    return rows, index[rows]


def _ladders(
    ladder_of: NDArray[np.int64], setting: Setting
) -> tuple[NDArray[np.int64], Sequence[hysteresis.Ladder]]:
    """Return the ladders that are needed, and each row's index among them."""
    used, here = np.unique(ladder_of, return_inverse=True)
    return here, [setting.watched[index].ladder() for index in used.tolist()]


def _slots(batch: ReadingBatch, prior: Columns, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the slot of each of the rows; a kind is a family of keys."""
    kinds, subjects = batch.kind, batch.subject
    if len(rows) == len(subjects) and kinds.count(kinds[0]) == len(kinds):
        return prior.slots(subjects, kinds[0])
    slots = np.empty(len(rows), np.int64)
    by_kind: dict[str, list[int]] = {}
    for place, row in enumerate(rows.tolist()):
        by_kind.setdefault(kinds[row], []).append(place)
    for kind, places in by_kind.items():
        slots[places] = prior.slots([subjects[row] for row in rows[places].tolist()], kind)
    return slots
