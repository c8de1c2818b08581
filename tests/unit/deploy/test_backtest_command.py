"""`citybrain backtest`: files in, files out, and a user's mistakes in words."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from deploy.cities import LONGGANG
from deploy.cli import cli
from schemas.codec import encode
from schemas.readings import Reading

T0_MS = 1_757_980_800_000  # 2025-09-16T00:00:00Z
OUTPUTS = {
    "alerts.jsonl", "incidents.jsonl", "dispatch.jsonl", "reminders.jsonl", "deadletter.jsonl",
    "summary.json",
}  # fmt: skip
LABELS = """kind,subject,from,until
gas.exceeded,gas-1,2025-09-16T00:00:00Z,2025-09-16T00:00:05Z
gas.exceeded,gas-9,2025-09-16T00:00:00Z,2025-09-16T00:00:05Z
"""


def backtest(*arguments: object) -> Result:
    ran = CliRunner().invoke(cli, ["backtest", *map(str, arguments)])
    assert ran.exception is None or isinstance(ran.exception, SystemExit)
    return ran


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Give a recording of three sensors, two of them with gas, and a broken line."""
    lines = [
        encode(
            Reading(
                source="iot", kind="gas.combustible", subject=subject, value=value, unit="%LEL",
                event_time_ms=T0_MS + second * 1000,
            )
        )
        for second, subject, value in [(1, "gas-1", 60.0), (2, "gas-2", 1.0), (3, "gas-3", 30.0)]
    ]  # fmt: skip
    file = tmp_path / "gas.jsonl"
    file.write_bytes(b"\n".join([*lines, b"broken"]) + b"\n")
    return file


def test_outputs_are_written_and_summed_up(recording: Path, tmp_path: Path) -> None:
    ran = backtest("--input", f"sensor:{recording}", "--output", tmp_path / "out")

    assert ran.exit_code == 0, ran.output
    assert {file.name for file in (tmp_path / "out").iterdir()} == OUTPUTS
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["alerts"] == {"gas.exceeded onset": 2}
    assert summary["refused"] == {"decode/not-json": 1}
    assert "score" not in summary
    alerts = (tmp_path / "out" / "alerts.jsonl").read_text().splitlines()
    assert [json.loads(line)["subject"] for line in alerts] == ["gas-1", "gas-3"]
    assert "gas.exceeded onset" in ran.output


def test_the_same_recording_twice_gives_the_same_files(recording: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        backtest("--input", f"sensor:{recording}", "--output", tmp_path / name, "--drain", 300)

    for name in OUTPUTS:
        one, two = (tmp_path / folder / name for folder in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()


def test_labels_give_precision_and_recall(recording: Path, tmp_path: Path) -> None:
    labels = tmp_path / "truth.csv"
    labels.write_text(LABELS)

    ran = backtest(
        "--input", f"sensor:{recording}", "--output", tmp_path / "out", "--labels", labels
    )

    told = json.loads((tmp_path / "out" / "summary.json").read_text())["score"]
    assert (told["precision"], told["recall"]) == (0.5, 0.5)
    assert "precision 0.5  recall 0.5" in ran.output


def test_labels_that_cannot_be_read_are_named(recording: Path, tmp_path: Path) -> None:
    labels = tmp_path / "truth.csv"
    labels.write_text("kind,subject\n")

    ran = backtest("--input", f"sensor:{recording}", "--output", tmp_path, "--labels", labels)

    assert ran.exit_code == 3
    assert f"{labels}: line 1: the column 'from' is missing" in ran.output


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("picture:{}", "is not KIND:FILE"),
        ("sensor", "is not KIND:FILE"),
        ("sensor:{}.missing", "there is no file"),
        ("camera:{}", None),
        ("position:{}", None),
        ("sensor:{}/..", "there is no file"),
    ],
)
def test_an_input_that_is_none_is_refused_before_anything_is_written(
    recording: Path, tmp_path: Path, given: str, words: str | None
) -> None:
    png = recording.with_suffix(".png")
    png.write_bytes(b"")
    file = recording if words else png

    ran = backtest("--input", given.format(file), "--output", tmp_path / "out")

    assert ran.exit_code == 2
    assert (words or "cannot be read as") in " ".join(ran.output.replace("│", "").split())
    assert not (tmp_path / "out").exists()


def test_a_broken_city_is_a_fault_that_says_where(recording: Path, tmp_path: Path) -> None:
    shutil.copytree(LONGGANG, tmp_path / "city")
    (tmp_path / "city" / "rules.toml").write_text("[noise]\nwindow_s = 'long'\n")

    ran = backtest(
        "--input", f"sensor:{recording}", "--output", tmp_path / "out", "--city", tmp_path / "city"
    )

    assert ran.exit_code == 3
    assert "rules.toml" in ran.output
    assert "citybrain city check" in ran.output
    assert not (tmp_path / "out").exists()
