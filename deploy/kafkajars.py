"""Kafka's jars: fetched once from Maven Central, kept in the user's cache."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

from deploy.errors import Fault

POM = Path(__file__).parent / "kafka" / "pom.xml"
MIN_JAVA = 17

_JAVA_CURE = (
    f"Install Java {MIN_JAVA} or newer (Debian, Ubuntu: apt-get install openjdk-17-jre-headless; "
    "macOS: brew install openjdk@17), or name a running Kafka in CITYBRAIN_BROKER."
)
_MAVEN_CURE = (
    "Install Maven (Debian, Ubuntu: apt-get install maven; macOS: brew install maven), "
    "or name a running Kafka in CITYBRAIN_BROKER."
)
_POM_SPACE = "{http://maven.apache.org/POM/4.0.0}"


def kafka_version() -> str:
    """Return the version of Kafka that the pom names."""
    root = ET.parse(POM).getroot()  # noqa: S314  # our own file
    version = root.findtext(f"{_POM_SPACE}properties/{_POM_SPACE}kafka.version")
    if not version:
        raise Fault(f"{POM} names no kafka.version", "Restore the file.")
    return version


def find_java() -> str:
    """Return the path of a Java that runs Kafka; JAVA_HOME goes first.

    Raises:
        Fault: There is none, or it is too old.
    """
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=str(Path(home) / "bin")) if home else None
    java = java or shutil.which("java")
    if java is None:
        raise Fault("Java is not installed: the embedded Kafka needs it", _JAVA_CURE)
    told = subprocess.run(  # noqa: S603  # found on the path
        [java, "-version"], capture_output=True, text=True, check=False
    )
    found = re.search(r'version "(?:1\.)?(\d+)', told.stderr + told.stdout)
    if found is None:
        raise Fault(f"{java} does not tell its version: {told.stderr.strip()[:200]}", _JAVA_CURE)
    if int(found[1]) < MIN_JAVA:
        raise Fault(f"{java} is Java {found[1]}: Kafka needs {MIN_JAVA} or newer", _JAVA_CURE)
    return java


def cache_dir() -> Path:
    """Return the folder where the jars of this version are, or will be."""
    base = os.environ.get("XDG_CACHE_HOME")
    root = Path(base) if base else Path.home() / ".cache"
    return root / "citybrain" / f"kafka-{kafka_version()}"


def _say_on_stderr(line: str) -> None:
    """Show progress: rewriting one line on a terminal, line by line elsewhere."""
    sys.stderr.write(f"\r\x1b[K{line}" if sys.stderr.isatty() else f"{line}\n")
    sys.stderr.flush()


def ensure_jars(say: Callable[[str], None] = _say_on_stderr) -> Path:
    """Return the folder of the jars; fetch them first when they are not there.

    Safe to run twice at once: each fetches into a folder of its own, and the
    first to finish puts it in place with one rename.

    Raises:
        Fault: Maven is missing or fails; its last words are in the message.
    """
    home = cache_dir()
    if home.is_dir():
        return home
    maven = shutil.which("mvn")
    if maven is None:
        raise Fault("Maven is not installed: it fetches the embedded Kafka's jars", _MAVEN_CURE)
    find_java()
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fetching-", dir=home.parent) as scratch:
        fetched = Path(scratch) / "jars"
        _fetch(maven, fetched, Path(scratch), say)
        try:
            fetched.rename(home)
        except OSError:
            if not home.is_dir():  # else another process was first
                raise
    return home


def _fetch(maven: str, into: Path, scratch: Path, say: Callable[[str], None]) -> None:
    """Let Maven copy the pom's jars into `into`, telling how far it is."""
    title = f"fetching Kafka {kafka_version()}"
    say(f"{title} from Maven Central (about 45 jars, 45 MB; kept for the next time)")
    pom = scratch / "pom.xml"  # a copy: Maven writes nothing beside an installed package
    shutil.copyfile(POM, pom)
    argv = [
        maven,
        "-B",
        "-f",
        str(pom),
        "dependency:copy-dependencies",
        f"-DoutputDirectory={into}",
    ]
    last: deque[str] = deque(maxlen=15)
    jars = 0
    with subprocess.Popen(  # noqa: S603  # found on the path
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as run:
        for line in run.stdout or ():
            last.append(line.rstrip())
            if "Downloaded " in line and ".jar" in line:
                jars += 1
                if sys.stderr.isatty() or jars % 10 == 0:
                    say(f"{title} … {jars} jars")
    if run.returncode:
        tail = "\n    ".join(line for line in last if "ERROR" in line) or "\n    ".join(last)
        raise Fault(
            f"Maven could not fetch Kafka (exit code {run.returncode}):\n    {tail}",
            "Check the network and Maven's settings (~/.m2/settings.xml), then start again.",
        )
    files = list(into.glob("*.jar"))
    size_mb = sum(file.stat().st_size for file in files) / 1e6
    say(f"{title} … done: {len(files)} jars, {size_mb:.0f} MB in {cache_dir()}")
    if sys.stderr.isatty():
        sys.stderr.write("\n")
