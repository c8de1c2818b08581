"""Keys: made, found, rotated with overlap, ended; and what a quota lets pass."""

import stat
from math import inf
from pathlib import Path

import pytest

from feeds.intake.keys import Key, KeyFile, KeyFileError
from feeds.intake.quota import Bucket, retry_after_s

HOUR_MS = 3_600_000


def key(**said: object) -> Key:
    return Key(id="", label="meters", sha256="", sources=("noise",), **said)  # type: ignore[arg-type]


@pytest.fixture
def file(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "keys.json")


def test_a_key_is_found_by_its_token_and_by_nothing_else(file: KeyFile) -> None:
    token = file.add(key(kinds=("noise.*",)), 1000)
    found = file.find(token, 2000)

    assert found is not None
    assert found.sender.sources == ("noise",)
    assert found.sender.may_send("noise.laeq")
    assert not found.sender.may_send("water.level")
    for wrong in ("", "cb_", "nonsense", token[:-1], token + "x", f"cb_{found.id}_", "cb__\ud800"):
        assert file.find(wrong, 2000) is None


def test_the_file_holds_no_key_and_is_for_its_owner_alone(file: KeyFile) -> None:
    token = file.add(key(), 1000)

    assert token.rpartition("_")[2] not in file.path.read_text()
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600


def test_a_rotated_key_is_taken_until_the_overlap_ends(file: KeyFile) -> None:
    old = file.add(key(subject_prefix="m-"), 0)
    key_id = next(iter(file.keys()))
    fresh = file.rotate(key_id, HOUR_MS, 1000)
    assert fresh is not None

    assert file.find(old, HOUR_MS + 999) is not None
    assert file.find(old, HOUR_MS + 1000) is None
    follower = file.find(fresh, 5 * HOUR_MS)
    assert follower is not None
    assert (follower.follows, follower.subject_prefix) == (key_id, "m-")
    assert file.rotate(key_id, HOUR_MS, 2 * HOUR_MS) is None


def test_a_revoked_key_ends_at_once_for_another_reader_too(file: KeyFile) -> None:
    token = file.add(key(), 0)
    door = KeyFile(file.path)
    assert door.find(token, 10) is not None

    assert file.revoke(next(iter(file.keys())), 20) is not None

    assert door.find(token, 20) is None
    assert file.revoke("none", 20) is None


def test_a_broken_file_is_told_and_an_absent_one_holds_no_key(file: KeyFile) -> None:
    assert file.keys() == {}
    file.path.write_text('{"version":1,"keys":[{}]}')

    with pytest.raises(KeyFileError, match="no file of keys"):
        file.keys()


def test_a_quota_lets_a_burst_pass_then_its_rate() -> None:
    bucket = Bucket(rate_per_s=10, burst=100, now_s=0)

    assert bucket.take(100, 0) == 0
    assert bucket.take(5, 0.1) == pytest.approx(0.4)
    assert bucket.take(5, 0.5) == 0
    assert bucket.take(101, 1e6) == inf
    assert bucket.take(100, 1e6) == 0
    bucket.give_back(40)
    assert bucket.take(40, 1e6) == 0


def test_retry_after_is_whole_seconds_and_never_none() -> None:
    assert [retry_after_s(wait_s) for wait_s in (0.01, 1.0, 1.2)] == [1, 1, 2]
