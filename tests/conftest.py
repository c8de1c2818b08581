"""What all tests share: the real recordings, a real Kafka, names of their own.

What a machine lacks is skipped with its reason on a laptop, and fails in CI.
"""

import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings

from deploy.broker import EmbeddedBroker
from deploy.errors import Fault

# In CI the same examples every time, so that a change is judged by what it
# changes; on a developer's machine new ones with every run.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("local", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "local")

REPO = Path(__file__).resolve().parent.parent


def _lacking(reason: str) -> NoReturn:
    """Skip, saying why; in CI fail, so that nothing is left out in silence."""
    if os.environ.get("CI"):
        pytest.fail(f"CI must have it: {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def recordings() -> Path:
    """Give the folder of the real recordings."""
    given = os.environ.get("CITYBRAIN_RECORDINGS")
    folder = Path(given) if given else REPO.parent / "shared" / "data"
    if not (folder / "SOURCES.md").is_file():
        _lacking(f"no recordings in {folder}; name their folder in CITYBRAIN_RECORDINGS")
    return folder


@pytest.fixture(scope="session")
def kafka_tools() -> None:
    """Make sure that the embedded Kafka can run here."""
    for program in ("java", "mvn"):
        if shutil.which(program) is None:
            _lacking(f"{program} is not installed; the embedded Kafka needs it")


@pytest.fixture(scope="session")
def broker(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[str]:
    """Give the address of a real Kafka: CITYBRAIN_BROKER's, else an embedded one's."""
    given = os.environ.get("CITYBRAIN_BROKER")
    if given:
        yield given
        return
    request.getfixturevalue("kafka_tools")
    node = EmbeddedBroker(tmp_path_factory.mktemp("broker"))
    try:
        address = node.start()
    except Fault as fault:
        pytest.fail(f"the embedded Kafka did not start: {fault.message}")
    try:
        yield address
    finally:
        node.stop()


@pytest.fixture
def prefix() -> str:
    """Give a prefix for topics and groups that no other test has."""
    return f"t{uuid.uuid4().hex[:10]}"
