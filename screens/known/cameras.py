"""The cameras: the last detection of each, and whether it is heard."""

from collections.abc import Sequence
from typing import Any

import orjson

from schemas.detections import Detection
from schemas.instants import format_instant
from screens.hub.stationary import Fixed, StationaryTable
from screens.hub.subscription import Layer
from screens.hub.table import Rows
from screens.known.atlas import Atlas
from streams.city.model import City

_STALE_LEVEL = 3
_NEVER = b'"updated":null'


class Cameras(StationaryTable):
    """All cameras of the register; detections of others are left to the alerts."""

    def __init__(self, city: City, atlas: Atlas) -> None:
        super().__init__(Layer.CAMERAS, atlas.communities)
        self._records = city.cameras
        self._newest: dict[int, Detection] = {}
        self._status: dict[int, str] = {}
        places = atlas.places(city.cameras.values())
        for record, place in zip(city.cameras.values(), places, strict=True):
            facts = {"name": record.name, "view": record.view}
            self.stand(Fixed(record.code, "camera", place, facts))

    def take(self, detections: Sequence[Detection]) -> None:
        """Take in detections."""
        for detection in detections:
            row = self.row_of.get(detection.subject)
            if row is None:
                continue
            before = self._newest.get(row)
            if before is None or detection.event_time_ms >= before.event_time_ms:
                self._newest[row] = detection
                self.dirty[row] = True

    def take_status(self, code: str, state: str) -> None:
        """Take in how a camera stands, as `devices.status` says."""
        row = self.row_of.get(code)
        if row is not None and self._status.get(row) != state:
            self._status[row] = state
            self.level[row] = 0 if state == "online" else _STALE_LEVEL
            self.dirty[row] = True

    def say(self, rows: Rows, now_ms: int) -> None:  # noqa: ARG002 - the table's
        for row in rows.tolist():
            self.words[row] = self._words(row)

    def _words(self, row: int) -> bytes:
        state = self._status.get(row)
        heard = b"" if state is None else b',"state":' + orjson.dumps(state)
        detection = self._newest.get(row)
        if detection is None:
            return _NEVER + heard
        seen: dict[str, Any] = {
            "updated": format_instant(detection.event_time_ms),
            "detection": detection.kind,
            "confidence": detection.confidence,
            "count": detection.count,
            "snapshot": detection.snapshot,
        }
        return orjson.dumps(seen)[1:-1] + heard

    def card(self, code: str) -> dict[str, Any] | None:
        """Return all that is known of one camera, None for an unknown one."""
        row = self.row_of.get(code)
        if row is None:
            return None
        card: dict[str, Any] = orjson.loads(self.as_of_now(row, self._words(row)))
        return card | {"source": self._records[code].source}

    def state(self, code: str) -> str | None:
        """Return how a camera stands, None when nobody said."""
        row = self.row_of.get(code)
        return None if row is None else self._status.get(row)
