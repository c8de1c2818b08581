"""Contestant `faust`: Faust as its guide teaches it, one event a message.

JSON by Faust's own serializer, the grid by an STRtree query, one row of a table
read and written for each event, alerts sent to a topic.
"""

import asyncio
import os
import signal
import sys
from typing import Any

import faust
import shapely

from agents.worker import limit_client_logs
from deploy.bench.course import PARTITIONS, Course, Lap
from deploy.bench.workload import CLEAR_AT, RAISE_AT, grids

_LOOK_S = 0.02


def create_app(course: Course) -> faust.App:
    """Return the app, which ends the process when the whole course is committed."""
    app = faust.App(
        f"{course.prefix}stock",
        broker=[f"kafka://{address}" for address in course.broker.split(",")],
        store="rocksdb://",
        datadir=course.data_dir,
        autodiscover=False,
        web_enabled=False,
        topic_partitions=PARTITIONS,
        topic_disable_leader=True,
    )
    readings = app.topic(course.readings, key_type=bytes, value_serializer="json")
    alerts = app.topic(course.alerts, key_type=bytes, value_serializer="json")
    in_alarm = app.Table("in-alarm", default=bool, partitions=PARTITIONS)
    tree = shapely.STRtree([area.geometry for area in grids(course.work.seed)])
    lap = Lap(course)
    seen = {"events": 0, "inside": 0}

    @app.agent(readings)
    async def judge(stream: Any) -> None:
        async for reading in stream:
            lap.begin()
            place = shapely.Point(reading["lon_deg"], reading["lat_deg"])
            grid = tree.query(place, predicate="intersects")
            device, value = reading["subject"], reading["value"]
            was = in_alarm[device]
            now = value > (CLEAR_AT if was else RAISE_AT)
            in_alarm[device] = now
            if now != was:
                transition = "onset" if now else "clear"
                await alerts.send(
                    key=b"bench",
                    value={
                        "rule": "threshold",
                        "subject": device,
                        "transition": transition,
                        "event_time": reading["event_time"],
                        "value": value,
                    },
                )
            seen["inside"] += bool(grid.size)
            seen["events"] += 1

    @app.task
    async def watch() -> None:
        while seen["events"] < course.work.events:  # noqa: ASYNC110 - as in ours.py
            await asyncio.sleep(_LOOK_S)
        await app.producer.flush()
        await app.consumer.commit()
        lap.finish(seen["events"], seen["inside"])
        os.kill(os.getpid(), signal.SIGTERM)

    return app


def main() -> None:
    """Run the course of this process."""
    limit_client_logs()  # as ours: without it they cost it a tenth more
    app = create_app(Course.from_argv())
    worker = faust.Worker(
        app,
        loglevel="WARNING",
        redirect_stdouts=False,
        stdout=sys.stderr,
        loop=asyncio.new_event_loop(),
    )
    worker.quiet, worker.spinner = True, None
    worker.execute_from_commandline()


if __name__ == "__main__":
    main()
