"""The file of doors: what it opens, and what is wrong with it."""

from pathlib import Path

import pytest

from deploy.cities import LONGGANG, load_city
from feeds.doorfile import DoorFileError, read

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "doors.toml"


@pytest.fixture(scope="module")
def city():
    return load_city(LONGGANG)


def test_the_example_opens_its_doors(city):
    doors = read(EXAMPLE, city)

    assert [(str(one.address), one.listens, one.station) for one in doors.nmea] == [
        ("tcp://127.0.0.1:10110", True, "aojiang-1"),
        ("udp://127.0.0.1:10111", True, "coast-{peer}"),
    ]
    (mqtt,) = doors.mqtt
    assert (mqtt.login.host, mqtt.login.port, mqtt.login.tls) == ("127.0.0.1", 1883, False)
    assert [(one.what, one.platform) for one in mqtt.routes] == [
        ("reading", ""),
        ("", "frigate-squares"),
    ]


def test_a_password_comes_from_the_environment_and_never_stands_in_the_file(city, tmp_path):
    text = EXAMPLE.read_text().replace('# password_env = "CITY', 'password_env = "CITY')
    (tmp_path / "doors.toml").write_text(text)
    secret = {"CITYBRAIN_MQTT_PASSWORD": "hush"}

    (mqtt,) = read(tmp_path / "doors.toml", city, secret).mqtt

    assert mqtt.login.password == secret["CITYBRAIN_MQTT_PASSWORD"]
    with pytest.raises(DoorFileError, match="no password in the environment"):
        read(tmp_path / "doors.toml", city, {})


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (
            'listen = "tcp://127.0.0.1:10110"',
            'listen = "127.0.0.1:10110"',
            r"nmea\[0\].*tcp://host",
        ),
        ('listen = "tcp://127.0.0.1:10110"', 'connect = "udp://h:1"', "only tcp"),
        ('listen = "tcp://127.0.0.1:10110"', "", "either listen or connect"),
        ('station = "aojiang-1"', 'station = ""', "station is empty"),
        ('station = "aojiang-1"', 'staton = "aojiang-1"', "staton"),
        ("mqtt://127.0.0.1:1883", "http://127.0.0.1", "write mqtt://host"),
        ("mqtt://127.0.0.1:1883", "mqtt://me:secret@h", "without a user"),
        ("{source}/{device}", "{sorce}/{device}", "{source}"),
        ('"iot", "noise"', '"iott"', "no source 'iott'"),
        ("frigate-squares", "frigate-circles", "it has frigate-squares"),
        ('as = "reading"', "", "either as or platform"),
        ('as = "reading"', 'as = "readings"', "readings"),
    ],
)
def test_a_file_that_is_not_right_says_what_and_where(city, tmp_path, old, new, what):
    (tmp_path / "doors.toml").write_text(EXAMPLE.read_text().replace(old, new))

    with pytest.raises(DoorFileError, match=what):
        read(tmp_path / "doors.toml", city, {})
