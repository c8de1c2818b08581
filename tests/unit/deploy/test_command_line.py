"""Every command explains itself; a user's mistake is words and a code, no traceback."""

import socket
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from deploy.cli import COMMANDS, cli


def every_command() -> list[tuple[str, ...]]:
    paths: list[tuple[str, ...]] = []
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        if isinstance(command, click.Group):
            context = click.Context(command)
            paths += [(name, child) for child in command.list_commands(context)]
        else:
            paths.append((name,))
    return paths


@pytest.mark.parametrize("path", every_command(), ids=" ".join)
def test_every_command_has_help_with_an_example(path: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(cli, [*path, "--help"])

    assert shown.exit_code == 0
    assert "Example" in shown.output
    assert f"citybrain {path[0]}" in shown.output


def citybrain(folder: Path, *arguments: str, **env: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "deploy.cli", *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(Path(__file__).parents[3]), "PATH": "/usr/bin:/bin", **env},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["tail", "alerts"], 3, "citybrain broker start --detach"),
        (["broker", "status"], 1, "No embedded Kafka runs"),
        (["broker", "stop"], 0, "No embedded Kafka runs"),
        (["broker", "start", "--port", "0"], 2, "--port"),
        (["tail", "alerts", "--where", "severity"], 2, "is not field=value"),
        (["deadletter", "list", "--reason", "bad"], 2, "not-json"),
        (["nothing"], 2, "No such command"),
        (["city", "check", "/nowhere"], 2, "/nowhere"),
        (["topics", "check", "--broker", "127.0.0.1:9"], 3, "No Kafka answers at 127.0.0.1:9"),
        (["replay", "no.csv", "--as", "sensor"], 2, "no.csv"),
        (["simulate", "--list"], 0, "square-dance-police"),
        (["simulate", "--scenario", "earthquake"], 2, "illegal-parking"),
        (["simulate", "--speed", "3", "--broker", "127.0.0.1:9"], 2, "--duration or --scenario"),
        (["simulate", "--scenario", "gas", "--broker", "127.0.0.1:9"], 3, "No Kafka answers"),
        (["schema", "export", "--to", "/dev/null/here"], 3, "/dev/null/here"),
        (["keys", "new", "--source", "iot", "--file", "/dev/null/keys"], 3, "/dev/null"),
        (["schema", "check", "--against", "no-such-commit"], 2, "no commit 'no-such-commit'"),
        (
            ["case", "act", "city", "status", "--by", "a", "--at", "x", "--broker", "b:9"],
            2,
            "lon,lat",
        ),
        (["case", "units", "--department", "firre", "--broker", "b:9"], 2, "enforcement, fire,"),
        (
            [
                *("incident", "roll-call", "--subject", "LG-V999", "--by", "a", "--reason", "b"),
                *("--broker", "b:9"),
            ],
            2,
            "no boat 'LG-V999' in the register; did you mean LG-V",
        ),
        (["worker", "--help"], 0, "cameras, complaints, devices"),
    ],
)
def test_the_exit_code_and_the_words_tell_what_is_wrong(
    tmp_path: Path, arguments: list[str], code: int, words: str
) -> None:
    ended = citybrain(tmp_path, *arguments)

    said = ended.stdout + ended.stderr
    assert (ended.returncode, "Traceback" in said) == (code, False), said
    assert words in said
    assert list(tmp_path.iterdir()) == []


def test_without_java_the_broker_says_which_package_to_install(tmp_path: Path) -> None:
    ended = citybrain(tmp_path, "broker", "start", PATH=str(tmp_path))

    assert ended.returncode == 3
    assert "Java is not installed" in ended.stderr
    assert "openjdk-17-jre-headless" in ended.stderr


def test_an_old_java_is_refused_by_its_version(tmp_path: Path) -> None:
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")
    java.chmod(0o755)

    ended = citybrain(tmp_path, "broker", "start", PATH=str(tmp_path))

    assert ended.returncode == 3
    assert "is Java 11: Kafka needs 17 or newer" in ended.stderr


def test_without_maven_the_fetch_says_which_package_to_install(tmp_path: Path) -> None:
    ended = citybrain(tmp_path, "broker", "fetch", PATH=str(tmp_path), XDG_CACHE_HOME=str(tmp_path))

    assert ended.returncode == 3
    assert "apt-get install maven" in ended.stderr


def test_a_closed_pipe_ends_a_command_without_a_word() -> None:
    words = f"set -o pipefail; {sys.executable} -m deploy.cli simulate --list | true"
    told = subprocess.run(
        ["bash", "-c", words],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (told.returncode, told.stderr) == (0, "")


def test_a_citys_fault_is_told_with_its_place_and_ends_with_1(tmp_path: Path) -> None:
    (tmp_path / "city.toml").write_text("code = \n")

    ended = citybrain(tmp_path, "city", "check", str(tmp_path))

    assert ended.returncode == 1
    assert f"{tmp_path}/city.toml:1:" in ended.stdout


def test_keys_are_made_where_the_door_of_the_same_data_folder_looks_for_them(
    tmp_path: Path,
) -> None:
    made = citybrain(tmp_path, "keys", "new", "--source", "iot", CITYBRAIN_DATA="here")
    listed = citybrain(tmp_path, "keys", "list", "--file", "here/keys.json")

    assert made.stdout.startswith("cb_"), made.stderr
    assert made.stdout[3:11] in listed.stdout


def test_a_port_for_metrics_that_is_taken_is_said_before_anything_is_started(
    tmp_path: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        ended = citybrain(
            tmp_path, "worker", "kpi", "--broker", "127.0.0.1:9", "--metrics-port", port
        )

    assert ended.returncode == 3
    assert f"port {port} is taken" in ended.stderr
    assert "Traceback" not in ended.stderr
