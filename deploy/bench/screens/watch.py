"""Fifty screens on real sockets, and how old each thing is when it comes."""

import asyncio
import sys
import time
from datetime import datetime

import aiohttp
import msgspec
import numpy as np
import orjson

from deploy.bench.screens.course import Course, Watched

_READ_EVERY = 4  # frames of a screen are read whole one in so many; the rest only counted
_WALL_EVERY = 5
_WEST, _SOUTH, _EAST, _NORTH = 120.464, 27.471, 120.675, 27.595
_DISTRICTS = 8


class Screen:
    """One screen and what it saw."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.frames = self.received = self.snapshots = self.held = 0
        self.ages_s: list[float] = []
        self.alert_ages_s: list[float] = []
        self.most_silence_s = 0.0
        self._last_s = 0.0

    def query(self) -> str:
        """Return what it looks at: the whole city, or a third of its width, anywhere in it."""
        if self.number % _WALL_EVERY == 0:
            return "zoom=11"
        step = (_EAST - _WEST) * 2 / 3 / _DISTRICTS
        west = _WEST + self.number % _DISTRICTS * step
        return f"zoom=13&box={west:.3f},{_SOUTH},{west + (_EAST - _WEST) / 3:.3f},{_NORTH}"

    async def look(self, session: aiohttp.ClientSession, from_s: float, until_s: float) -> None:
        """Look until `until_s`; what comes from `from_s` on counts."""
        timeout = aiohttp.ClientTimeout(total=None)
        url = f"/api/v1/stream?{self.query()}"
        async with session.get(url, timeout=timeout, read_bufsize=1 << 20) as answer:
            answer.raise_for_status()
            parts: list[bytes] = []
            async for chunk in answer.content.iter_any():
                *ends, rest = chunk.split(b"\n\n")
                for end in ends:
                    parts.append(end)
                    self.take(b"".join(parts), time.time(), from_s)
                    parts = []
                if rest:
                    parts.append(rest)
                if time.time() >= until_s:
                    return

    def take(self, event: bytes, now_s: float, from_s: float) -> None:
        """Take in one server-sent event."""
        counts = now_s >= from_s
        if counts:
            self.most_silence_s = max(self.most_silence_s, now_s - max(self._last_s, from_s))
            self.frames += 1
            self.received += len(event) + 2
        self._last_s = now_s
        if b"\nevent: snapshot\n" in event[:200]:
            self.snapshots += 1
            frame = orjson.loads(event.partition(b"\ndata: ")[2])
            self.held = sum(len(items) for items in frame["layers"].values())
            self.held += sum(len(items) for items in frame["clusters"].values())
        elif counts and b"\nevent: delta\n" in event[:200] and self.frames % _READ_EVERY == 0:
            self._read(orjson.loads(event.partition(b"\ndata: ")[2]), now_s)

    def _read(self, frame: dict[str, dict[str, list[dict[str, str]]]], now_s: float) -> None:
        for part in ("upserts", "changes"):
            for layer, items in frame.get(part, {}).items():
                ages = [now_s - datetime.fromisoformat(i["updated"]).timestamp() for i in items]
                (self.alert_ages_s if layer == "alerts" else self.ages_s).extend(ages)


async def run(course: Course) -> Watched:
    """Sign in, open all screens, and look until the end of the course."""
    screens = [Screen(number) for number in range(course.screens)]
    from_s = course.start_ms / 1000 + course.warm_up_s
    until_s = from_s + course.duration_s
    jar = aiohttp.CookieJar(unsafe=True)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(course.url, cookie_jar=jar, connector=connector) as session:
        said = {"user": course.user, "password": course.password}
        async with session.post("/api/v1/session", json=said) as answer:
            answer.raise_for_status()
        await asyncio.sleep(max(0.0, course.start_ms / 1000 - time.time()))
        await asyncio.gather(*(screen.look(session, from_s, until_s) for screen in screens))
    ages_s = np.concatenate([np.array(screen.ages_s) for screen in screens])
    alerts_s = np.concatenate([np.array(screen.alert_ages_s) for screen in screens])
    every_s = np.concatenate((ages_s, alerts_s))
    p50_s, p95_s, p99_s = np.percentile(every_s, (50, 95, 99)).tolist()
    return Watched(
        frames=sum(screen.frames for screen in screens),
        received_bytes=sum(screen.received for screen in screens),
        items=len(every_s),
        p50_s=p50_s,
        p95_s=p95_s,
        p99_s=p99_s,
        most_s=float(every_s.max()),
        alerts_p95_s=float(np.percentile(alerts_s, 95)) if alerts_s.size else 0.0,
        alerts_most_s=float(alerts_s.max(initial=0.0)),
        snapshots=sum(screen.snapshots for screen in screens),
        most_silence_s=max(screen.most_silence_s for screen in screens),
        most_items=max(screen.held for screen in screens),
    )


def main() -> None:
    """Run what the command line says, and say what was seen."""
    course = msgspec.json.decode(sys.argv[1], type=Course)
    sys.stdout.write(msgspec.json.encode(asyncio.run(run(course))).decode() + "\n")


if __name__ == "__main__":
    main()
