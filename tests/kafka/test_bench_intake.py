"""`citybrain bench intake` measures a door of its own, and counts what was accepted."""

import pytest
from click.testing import CliRunner

from deploy.cli import cli

pytestmark = pytest.mark.kafka


def test_every_event_is_accepted_and_each_shape_has_its_line(broker: str) -> None:
    asked = ["bench", "intake", "--broker", broker, "--events", "2000", "--singles", "200"]
    asked += ["--sentences", "2000", "--messages", "200"]

    outcome = CliRunner().invoke(cli, asked)

    assert outcome.exit_code == 0, outcome.output
    for shape in ("1 a request", "100 a request", "1000 a request"):
        assert f"| HTTP, {shape}" in outcome.output
    for door in ("NMEA over one TCP connection", "MQTT at QoS 1"):
        assert f"| {door}" in outcome.output
