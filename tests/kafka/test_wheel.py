"""What is shipped: the wheel brings the page, and a gateway of that wheel alone serves it."""

import json
import re
import shutil
import subprocess
import sys
import sysconfig
import time
import urllib.request
import zipfile
from pathlib import Path

import pytest

from deploy import processes, topics_admin
from schemas.topics import TOPICS

pytestmark = [pytest.mark.kafka, pytest.mark.browser]

REPO = Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns(
    ".*", "build", "*.egg-info", "node_modules", "__pycache__", "tests", "docs"
)
WITHIN_S = 120.0


def test_a_gateway_of_the_installed_wheel_serves_the_page(
    broker: str, prefix: str, tmp_path: Path
) -> None:
    wheel = build(tmp_path)
    names = zipfile.ZipFile(wheel).namelist()
    assert "screens/page/dist/index.html" in names
    assert not [name for name in names if "node_modules" in name or name.endswith(".ts")]
    python = install(wheel, tmp_path / "clean")

    topics_admin.apply(broker, topics_admin.prefixed(TOPICS, prefix), {})
    log = tmp_path / "gateway.log"
    with log.open("wb") as output:
        gateway = processes.spawn(
            [str(python), "-P", "-m", "deploy.cli", "screens", "--port", "0", "--state",
             str(tmp_path), "--broker", broker, "--prefix", prefix],
            output=output,
        )  # fmt: skip
    try:
        url = address(log)
        page = fetch(f"{url}/")
        (script,) = re.findall(r'<script[^>]* src="\./([^"]+)"', page)
        assert len(fetch(f"{url}/{script}")) > 100_000
        assert json.loads(fetch(f"{url}/healthz"))["alive"] is True
    finally:
        processes.end([gateway], grace_s=10)


def build(folder: Path) -> Path:
    """Build the wheel of a copy: what an earlier build has left beside the sources stays out."""
    sources = folder / "sources"
    shutil.copytree(REPO, sources, ignore=LEFT_OUT)
    run(sys.executable, "-m", "pip", "wheel", "--no-deps", "-w", str(folder), str(sources))
    (wheel,) = folder.glob("*.whl")
    return wheel


def install(wheel: Path, folder: Path) -> Path:
    """Install the wheel into an environment of its own; others' packages come from this one."""
    run(sys.executable, "-m", "venv", "--without-pip", str(folder))
    python = folder / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", str(wheel))
    packages = Path(run(str(python), "-c", "import sysconfig as s; print(s.get_path('purelib'))"))
    others = [str(path) for path in (Path(one) for one in sys.path) if path.name == "site-packages"]
    (packages / "others.pth").write_text("\n".join(others or [sysconfig.get_path("purelib")]))
    where = run(str(python), "-P", "-c", "import screens; print(screens.__file__)", cwd=folder)
    assert Path(where).is_relative_to(packages)
    return python


def run(*words: str, cwd: Path | None = None) -> str:
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, timeout=WITHIN_S, cwd=cwd
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    return done.stdout.strip()


def address(log: Path) -> str:
    """Return where the gateway says that it serves, once it does."""
    deadline = time.monotonic() + WITHIN_S
    while time.monotonic() < deadline:
        said = re.search(r"screens: (http://[\w.:]+)", log.read_text(errors="replace"))
        if said:
            return said[1]
        time.sleep(0.2)
    raise AssertionError(f"the gateway does not serve: {log.read_text(errors='replace')[-2_000:]}")


def fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=WITHIN_S) as answer:  # noqa: S310
        text: str = answer.read().decode()
    return text
