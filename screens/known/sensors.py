"""The sensors: the last value of each, its limit now, and its course over a day."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from schemas.readings import ReadingBatch
from schemas.units import KINDS
from screens.hub.stationary import Fixed, StationaryTable
from screens.hub.subscription import Layer
from screens.hub.table import Place, Rows
from screens.known.atlas import Atlas
from screens.known.limits import Limits
from screens.known.series import Series
from streams.city.model import City, SensorRecord

OK, WARN, OVER, STALE = range(4)
LEVEL_WORDS = ("ok", "warn", "over", "ok")
_LEAST_STALE_MS = 60_000
_STALE_SAMPLES = 5
_MOST_UNKNOWN = 600
_FUTURE_MS = 60_000  # a clock further ahead would wipe the courses of a day


class Sensors(StationaryTable):
    """All sensors of the register, and up to some thousands that only talk."""

    def __init__(self, city: City, atlas: Atlas, series: Series) -> None:
        super().__init__(Layer.SENSORS, atlas.communities)
        self._atlas = atlas
        self._limits = Limits(city)
        self.series = series
        self._known = len(city.sensors)
        most = self._known + _MOST_UNKNOWN
        self.value = np.full(most, np.nan)
        self.time_ms = np.zeros(most, np.int64)
        self.stale = np.ones(most, np.bool_)
        self._stale_after_ms = np.full(most, _LEAST_STALE_MS, np.int64)
        self._records: list[SensorRecord | None] = []
        self._limit: NDArray[np.float64] = np.full(most, np.nan)
        self._warn: NDArray[np.float64] = np.full(most, np.nan)
        self._sign: NDArray[np.float64] = np.ones(most)
        places = atlas.places(city.sensors.values())
        for record, place in zip(city.sensors.values(), places, strict=True):
            self._put_up(record.code, record.kind, place, record)

    def _put_up(self, code: str, kind: str, place: Place, record: SensorRecord | None) -> int:
        row = self.stand(Fixed(code, kind, place, self._facts_of(code, kind)))
        self._records.append(record)
        if record is not None and record.sample_s:
            patience_ms = _STALE_SAMPLES * record.sample_s * 1000
            self._stale_after_ms[row] = max(_LEAST_STALE_MS, patience_ms)
        return row

    def _facts_of(self, code: str, kind: str) -> dict[str, Any]:
        spec = KINDS.get(kind)
        facts: dict[str, Any] = {"unit": spec.unit if spec else ""}
        limit = self._limits.of(code, kind)
        if limit is not None:
            facts["limit"] = limit.level
        return facts

    # -- what comes in ----------------------------------------------------------------

    def take(self, batch: ReadingBatch, now_ms: int) -> None:
        """Take in readings; older ones than what is known only enter the course."""
        if not len(batch.subject):
            return
        rows = self._rows(batch)
        known = np.flatnonzero((rows >= 0) & (batch.event_time_ms <= now_ms + _FUTURE_MS))
        rows, times, values = rows[known], batch.event_time_ms[known], batch.value[known]
        order = np.argsort(times, kind="stable")
        rows, times, values = rows[order], times[order], values[order]
        self.series.take(rows, times, values, self._sign)
        newer = times >= self.time_ms[rows]
        rows, times, values = rows[newer], times[newer], values[newer]
        self.value[rows] = values  # the last of equal rows stays
        self.time_ms[rows] = times
        self.dirty[rows] = True

    def _rows(self, batch: ReadingBatch) -> NDArray[np.int64]:
        """Return the row of each reading, -1 for other kinds than the sensor's own."""
        row_of, kinds = self.row_of, self.kinds
        rows = []
        for i, (subject, kind) in enumerate(zip(batch.subject, batch.kind, strict=True)):
            row = row_of.get(subject, -1)
            if row < 0 and self.size < len(self.value):
                place = self._atlas.place(float(batch.lon_deg[i]), float(batch.lat_deg[i]))
                row = self._put_up(subject, kind, place, None)
            rows.append(row if row >= 0 and kinds[row] == kind else -1)
        return np.array(rows, np.int64)

    # -- what is told -----------------------------------------------------------------

    def age(self, now_ms: int) -> None:
        """Mark what has not been heard for too long, and what is heard again."""
        ages = now_ms - self.time_ms[: self.size]
        stale = ages > self._stale_after_ms[: self.size]
        moved = stale != self.stale[: self.size]
        self.stale[: self.size] = stale
        self.dirty[: self.size] |= moved & (self.time_ms[: self.size] > 0)

    def renew_limits(self, now_ms: int) -> None:
        """Take the limits of this minute; sensors whose limit changed are told whole."""
        for row in self._limits.renew(now_ms, self.ids, self.kinds):
            code, kind = self.ids[row], self.kinds[row]
            self.stand(Fixed(code, kind, self.place(row), self._facts_of(code, kind)))
            limit = self._limits.of(code, kind)
            if limit is not None:
                self._limit[row], self._warn[row] = limit.level, limit.warn
                self._sign[row] = -1.0 if limit.falls else 1.0

    def say(self, rows: Rows, now_ms: int) -> None:  # noqa: ARG002 - the table's
        said, self.level[rows] = self._words(rows)
        for row, words in zip(rows.tolist(), said, strict=True):
            self.words[row] = words

    def _words(self, rows: Rows) -> tuple[list[bytes], NDArray[np.int8]]:
        """Return the changing members of rows as JSON, and their levels."""
        level = self._level(rows)
        texts = np.datetime_as_string(self.time_ms[rows].astype("M8[ms]"))
        columns = (
            self.value[rows].tolist(),
            self.time_ms[rows].tolist(),
            texts.tolist(),
            level.tolist(),
            self.stale[rows].tolist(),
        )
        said = []
        for value, time_ms, text, step, stale in zip(*columns, strict=True):
            if not time_ms:
                said.append(b'"value":null,"updated":null,"level":"ok","stale":true')
                continue
            words = (
                f'"value":{value:.7g},"updated":"{text}Z","level":"{LEVEL_WORDS[step]}",'
                f'"stale":{"true" if stale else "false"}'
            )
            said.append(words.encode())
        return said, level

    def _level(self, rows: Rows) -> NDArray[np.int8]:
        sign, value = self._sign[rows], self.value[rows]
        with np.errstate(invalid="ignore"):
            over = sign * value > sign * self._limit[rows]
            warn = sign * value > sign * self._warn[rows]
        level = np.where(over, OVER, np.where(warn, WARN, OK)).astype(np.int8)
        level[self.stale[rows]] = STALE
        return level

    # -- cards ------------------------------------------------------------------------

    def card(self, code: str) -> dict[str, Any] | None:
        """Return all that is known of one sensor, None for an unknown one."""
        row = self.row_of.get(code)
        if row is None:
            return None
        words, _ = self._words(np.array([row]))
        card: dict[str, Any] = orjson.loads(self.as_of_now(row, words[0]))
        record = self._records[row]
        if record is not None:
            card |= {"source": record.source, "sample_s": record.sample_s}
            card["area_class"] = record.area_class
        limit = self._limits.of(code, self.kinds[row])
        if limit is not None:
            card["limit_reason"] = limit.reason
        card["stale_after_s"] = int(self._stale_after_ms[row]) // 1000
        return card

    def newest(self, codes: Sequence[str]) -> Mapping[str, tuple[float, int]]:
        """Return (value, time in ms) of those sensors that were ever heard."""
        rows = {code: self.row_of[code] for code in codes if code in self.row_of}
        return {
            code: (float(self.value[row]), int(self.time_ms[row]))
            for code, row in rows.items()
            if self.time_ms[row]
        }
