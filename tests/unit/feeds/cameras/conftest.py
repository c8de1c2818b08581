"""The platforms that the mappers' tests speak for, and their real messages."""

import json
from pathlib import Path

import pytest

from feeds.cameras.platforms import Platforms
from streams.city.platforms import Format, Platform, Watched

SALT = b"sixteen bytes or more"


def platform(form, cameras, *findings):
    return Platform(format=form, source="cameras", cameras=cameras, findings=findings)


@pytest.fixture
def platforms():
    line_crossed = Watched(
        label="RuleEngine/LineDetector/Crossed", kind="stall.outside", confidence=0.4
    )
    vehicle = Watched(
        label="RuleEngine/TPSmartEventDetector/TPSmartEvent:IsVehicle",
        place="MyTPSmartEventDetectorRule",
        kind="parking.illegal",
    )
    by_class = Watched(label="RuleEngine/ObjectDetection/Object:Vehicle", kind="parking.illegal")
    passing = Watched(label="motorvehicle", place="2141245", kind="parking.illegal", confidence=0.9)
    frigate = platform(
        Format.FRIGATE,
        {"gate": "LG-CAM-00001"},
        Watched(label="car:stationary", place="no_parking", kind="parking.illegal"),
        Watched(label="smoke", kind="smoke.seen"),
    )
    onvif_cameras = {
        "video_source_config1": "LG-CAM-00002",
        "vsconf": "LG-CAM-00003",
        "9c756e1c82d0-0": "LG-CAM-00006",
    }
    return Platforms(
        {
            "frigate": frigate,
            "onvif": platform(Format.ONVIF, onvif_cameras, line_crossed, vehicle, by_class),
            "viid": platform(Format.GAT1400, {"65010000001190000001": "LG-CAM-00004"}, passing),
            "gb": platform(
                Format.GB28181,
                {"64010000001340000001": "LG-CAM-00005"},
                Watched(label="5.10", kind="crowd.gathering"),
                Watched(label="2", kind="smoke.seen"),
            ),
        },
        SALT,
    )


@pytest.fixture
def samples(recordings: Path):
    """Give the messages of a file of the recordings, each as bytes."""

    def of(name):
        raw = (recordings / "camera" / name).read_bytes()
        if not name.endswith(".jsonl"):
            return [raw]
        rows = [json.loads(line) for line in raw.splitlines()]
        return [json.dumps(row.get("payload") or row.get("notification")).encode() for row in rows]

    return of
