"""Signatures, answers, addresses and the file of endpoints."""

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screens.webhooks.addresses import is_allowed
from screens.webhooks.endpoints import EndpointsError, read
from screens.webhooks.signature import headers, secret_of
from screens.webhooks.verdict import (
    GIVE_UP_AFTER_S,
    LONGEST_WAIT_S,
    MOST_REFUSALS,
    Answer,
    Next,
    answer_of,
    judge,
)

FILE = """\
allow_addresses = ["127.0.0.0/8"]

[endpoints.desk]
url = "https://example.org/hook"
topics = ["alerts", "incidents"]
secret_env = "DESK_SECRET"
where = { severity = ["Severe", "Extreme"] }
"""
ENVIRONMENT = {"DESK_SECRET": "0123456789abcdef0123456789abcdef"}


def test_a_signature_is_that_of_the_specification():
    # The example of standardwebhooks.com.
    secret = secret_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    told = headers([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')

    assert told["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert told["webhook-id"] == "msg_p5jXN8AQM9LWM0D4loKWxJek"
    assert told["webhook-timestamp"] == "1614265330"


def test_while_a_secret_is_rotated_both_sign():
    old, new = b"o" * 24, b"n" * 24
    said = headers([new, old], "id", 7, b"body")["webhook-signature"].split()

    assert said == [
        "v1," + base64.b64encode(hmac.digest(secret, b"id.7.body", hashlib.sha256)).decode()
        for secret in (new, old)
    ]


@pytest.mark.parametrize("text", ["short", "whsec_???", "whsec_c2hvcnQ="])
def test_a_weak_secret_is_no_secret(text):
    with pytest.raises(ValueError, match=r"bytes|base64"):
        secret_of(text)


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (200, Answer.TAKEN),
        (204, Answer.TAKEN),
        (302, Answer.REDIRECT),
        (400, Answer.REFUSED),
        (401, Answer.CLIENT_ERROR),
        (410, Answer.REFUSED),
        (429, Answer.CLIENT_ERROR),
        (503, Answer.SERVER_ERROR),
        (999, Answer.SERVER_ERROR),
    ],
)
def test_only_2xx_takes_a_message(status, answer):
    assert answer_of(status) is answer


AGAIN = st.sampled_from([one for one in Answer if one is not Answer.TAKEN])


@given(AGAIN, st.integers(1, 500), st.floats(0, 2e5), st.floats(0, 1), st.floats(0, 1e6))
def test_what_is_not_taken_waits_at_most_an_hour_and_is_given_up_after_a_day(
    answer, attempts, age_s, share, retry_after_s
):
    told = judge(answer, attempts=attempts, age_s=age_s, share=share, retry_after_s=retry_after_s)

    over = age_s >= GIVE_UP_AFTER_S or (answer is Answer.REFUSED and attempts >= MOST_REFUSALS)
    assert told.next is (Next.GIVE_UP if over else Next.AGAIN)
    assert 0 <= told.wait_s <= LONGEST_WAIT_S
    if not over:
        assert told.wait_s >= min(0.5 * 2 ** (min(attempts, 12) - 1), LONGEST_WAIT_S / 2)


def test_waits_double_and_what_the_endpoint_asks_for_is_kept():
    waits = [
        judge(Answer.TIMEOUT, attempts=n, age_s=0, share=1.0).wait_s for n in (1, 2, 3, 12, 400)
    ]

    assert waits == [1, 2, 4, 2048, LONGEST_WAIT_S]
    asked = judge(Answer.CLIENT_ERROR, attempts=1, age_s=0, share=1.0, retry_after_s=120)
    assert asked.wait_s == 120


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - that it is refused is what is tested
        "224.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:0:7f00:1::80ff:fffe",
    ],
)
def test_addresses_that_are_not_public_are_refused_in_every_disguise(address):
    assert not is_allowed(address, [])


def test_public_addresses_and_those_that_are_allowed_by_name_are_posted_to():
    assert is_allowed("8.8.8.8", [])
    assert is_allowed("2606:4700::1111", [])
    assert is_allowed("10.1.2.3", ["10.1.0.0/16"])
    assert is_allowed("::ffff:10.1.2.3", ["10.1.0.0/16"])
    assert is_allowed("fd00::1", ["10.0.0.0/8", "fd00::/8"])
    assert not is_allowed("10.2.0.1", ["10.1.0.0/16"])


def read_text(tmp_path, text):
    file = tmp_path / "webhooks.toml"
    file.write_text(text)
    return read(file, ENVIRONMENT)


def test_an_endpoint_is_told_what_it_asked_for(tmp_path):
    (desk,) = read_text(tmp_path, FILE).all

    assert desk.secrets == (b"0123456789abcdef0123456789abcdef",)
    assert desk.wants({"severity": "Severe"})
    assert not desk.wants({"severity": "Minor"})
    assert not desk.wants({})


def test_secrets_come_from_a_file_beside_it_too(tmp_path):
    (tmp_path / "desk.secret").write_text("a" * 32 + "\n" + "b" * 32 + "\n")
    text = FILE.replace('secret_env = "DESK_SECRET"', 'secret_file = "desk.secret"')

    assert read_text(tmp_path, text).all[0].secrets == (b"a" * 32, b"b" * 32)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("https://example.org/hook", "ftp://example.org", "write https://host/path"),
        ("https://example.org/hook", "https://u:p@example.org", "without a user"),
        ("https://example.org/hook", "http://10.0.0.1/hook", "not a public address"),
        ("https://example.org/hook", "http://[::1]/hook", "not a public address"),
        ("https://example.org/hook", "http://2130706433/hook", "does not appear to be an IP"),
        ('"incidents"', '"citizen.complaints"', "not told to others"),
        ("DESK_SECRET", "NO_SUCH", "no secret in NO_SUCH"),
        ('secret_env = "DESK_SECRET"', "", "secret_env or secret_file"),
        ("127.0.0.0/8", "127.0.0.1/8", "allow_addresses"),
        ("topics", "topic", "topic"),
        ('url = "', "url = ", "webhooks.toml"),
    ],
)
def test_a_file_that_is_not_right_says_what_and_where(tmp_path, old, new, what):
    with pytest.raises(EndpointsError, match=what):
        read_text(tmp_path, FILE.replace(old, new))
