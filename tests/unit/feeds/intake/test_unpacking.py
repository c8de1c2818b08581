"""Decompressing a body: whole, bounded, and never a fault of ours."""

import gzip

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from feeds.intake.http.answers import Problem
from feeds.intake.http.body import Limits, unpack

LIMITS = Limits(unpacked_bytes=100_000)
PACKERS = {"gzip": gzip.compress, "zstd": zstandard.compress, "identity": bytes}


@pytest.mark.parametrize("encoding", PACKERS)
@given(pieces=st.lists(st.binary(min_size=1, max_size=2000), min_size=1, max_size=4))
def test_what_was_packed_comes_out_several_frames_too(encoding: str, pieces: list[bytes]) -> None:
    packed = b"".join(PACKERS[encoding](piece) for piece in pieces)

    assert unpack(packed, encoding, LIMITS) == b"".join(pieces)


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
@given(noise=st.binary(max_size=300), cut=st.integers(1, 30))
def test_noise_and_torn_bodies_are_a_problem_of_the_sender(
    encoding: str, noise: bytes, cut: int
) -> None:
    torn = PACKERS[encoding](b"some event, some more" * 9)[:-cut]

    for body in (torn, torn + noise):
        answer = unpack(body, encoding, LIMITS)
        assert isinstance(answer, bytes) or answer.status in (400, 413)
    assert isinstance(unpack(torn, encoding, LIMITS), Problem)


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_bomb_is_refused_by_what_comes_out_and_dust_by_its_pieces(encoding: str) -> None:
    bomb = unpack(PACKERS[encoding](bytes(50_000_000)), encoding, LIMITS)
    dust = unpack(PACKERS[encoding](b"") * 100_000, encoding, LIMITS)

    assert isinstance(bomb, Problem)
    assert (bomb.status, bomb.code) == (413, "too-large")
    assert isinstance(dust, Problem)
    assert (dust.status, dust.code) == (400, "bad-encoding")
    assert "frames" in dust.hint
