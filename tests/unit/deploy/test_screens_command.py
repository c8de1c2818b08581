"""`citybrain screens` says what keeps it from starting, and how to mend it."""

import socket
from pathlib import Path

from click.testing import CliRunner, Result

from deploy.cli import cli

AWAY = "127.0.0.1:1"


def start(state: Path, port: int = 0) -> Result:
    words = ["screens", "--state", str(state), "--broker", AWAY, "--port", str(port)]
    return CliRunner().invoke(cli, words)


def test_a_folder_that_cannot_be_used_is_named_and_not_the_port(tmp_path: Path) -> None:
    (tmp_path / "screens").write_text("a file where the folder would be")

    ended = start(tmp_path)

    assert ended.exit_code == 3
    assert str(tmp_path / "screens") in ended.output
    assert "--state" in ended.output
    assert "listen" not in ended.output


def test_a_broken_audit_log_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "screens" / "audit.jsonl"
    file.parent.mkdir()
    file.write_text("no entry\n")

    ended = start(tmp_path)

    assert ended.exit_code == 3
    assert f"The audit log must not be written to: {file}, line 1" in ended.output


def test_a_port_that_is_taken_is_said_with_the_cure(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = start(tmp_path, taken.getsockname()[1])

    assert ended.exit_code == 3
    assert "Cannot listen on 127.0.0.1:" in ended.output
    assert "--port" in ended.output
