"""Who may sign in, how often one may fail, and a log in which no line can be changed."""

import resource
import signal
from pathlib import Path

import orjson
import pytest

from screens.access.accounts import AccountError, Accounts
from screens.access.audit import AuditLog, verify
from screens.access.people import Person, Role
from screens.access.throttle import Throttle
from screens.api import field
from screens.api.session import may
from screens.api.vessels import masked_name, masked_phone

COMMUNITIES = {"C1": 0}
OPERATOR = Person("op.1", "示例", Role.OPERATOR, ("C1",))
PASSWORD = "correct-horse"  # noqa: S105 - of an account that lives for a test


def test_a_password_is_kept_as_its_hash_alone_and_opens_only_its_own_account(
    tmp_path: Path,
) -> None:
    file = tmp_path / "users.json"
    Accounts(file).add(OPERATOR, PASSWORD, COMMUNITIES)
    accounts = Accounts(file)

    account = accounts.verify("op.1", PASSWORD)

    assert account is not None
    assert account.person == OPERATOR
    assert accounts.verify("op.1", PASSWORD + " ") is None
    assert accounts.verify("nobody", PASSWORD) is None
    assert PASSWORD not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0


def test_a_new_password_and_a_removal_are_seen_by_whoever_has_the_file_open(
    tmp_path: Path,
) -> None:
    running, admin = Accounts(tmp_path / "users.json"), Accounts(tmp_path / "users.json")
    before = admin.add(OPERATOR, PASSWORD, COMMUNITIES)
    assert running.get("op.1") == before

    after = admin.add(OPERATOR, PASSWORD + "2", COMMUNITIES)
    assert after.stamp != before.stamp
    assert running.get("op.1") == after

    assert admin.remove("op.1")
    assert running.get("op.1") is None
    assert not admin.remove("op.1")


@pytest.mark.parametrize(
    ("person", "password", "word"),
    [
        (OPERATOR._replace(user="a/../b"), PASSWORD, "letters"),
        (OPERATOR, "short", "characters"),
        (OPERATOR._replace(areas=("C9",)), PASSWORD, "C9"),
        (OPERATOR._replace(areas=()), PASSWORD, "communities"),
        (OPERATOR._replace(role=Role.DESK), PASSWORD, "whole city"),
        (OPERATOR._replace(role=Role.ADMIN), PASSWORD, "whole city"),
    ],
)
def test_an_account_that_must_not_be_is_refused(
    tmp_path: Path, person: Person, password: str, word: str
) -> None:
    with pytest.raises(AccountError, match=word):
        Accounts(tmp_path / "users.json").add(person, password, COMMUNITIES)


def test_failures_make_the_next_attempt_wait_longer_and_an_hour_forgets_them() -> None:
    throttle, names = Throttle(), ("op.1", "from 192.0.2.7")
    for at_s in range(5):
        assert throttle.wait_s(names, at_s) == 0
        throttle.fail(names, at_s)
    assert throttle.wait_s(names, 4.0) == 1
    throttle.fail(names, 5.0)
    assert throttle.wait_s(names, 5.0) == 2
    assert throttle.wait_s(("another", "from 192.0.2.7"), 5.0) == 2
    assert throttle.wait_s(("op.1", "from 192.0.2.8"), 5.0) == 2
    assert throttle.wait_s(names, 7.0) == 0
    throttle.fail(names, 5_000.0)
    assert throttle.wait_s(names, 5_000.0) == 0


def test_no_number_of_failures_keeps_anybody_out_for_longer_than_five_minutes() -> None:
    throttle, names = Throttle(), ("op.1",)
    for _ in range(2_000):
        throttle.fail(names, 0.0)

    assert throttle.wait_s(names, 0.0) == 300
    assert throttle.wait_s(names, 300.0) == 0


def test_any_edit_of_the_audit_log_is_found(tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    log = AuditLog(file)
    for number in range(4):
        log.write({"what": "reveal-phone", "number": number})
    log.close()
    assert verify(file).lines == 4
    good = file.read_bytes().splitlines(keepends=True)

    for at in range(4):
        changed = [*good]
        changed[at] = good[at].replace(b'"number":%d' % at, b'"number":9')
        missing = good[:at] + good[at + 1 :]
        for lines, fault in ((changed, at + 1), (missing, at + 1)):
            file.write_bytes(b"".join(lines))
            found = verify(file).fault
            assert (found is not None and found[0] == fault) or (lines is missing and at == 3)


def test_a_broken_log_is_not_written_to_and_a_sound_one_by_one_gateway_alone(
    tmp_path: Path,
) -> None:
    file = tmp_path / "audit.jsonl"
    log = AuditLog(file)
    log.write({"what": "sign-in"})
    with pytest.raises(ValueError, match="another gateway"):
        AuditLog(file)
    log.close()
    again = AuditLog(file)
    again.write({"what": "sign-in"})
    again.close()
    assert verify(file).lines == 2

    entry = orjson.loads(file.read_bytes().splitlines()[0]) | {"what": "nothing"}
    file.write_bytes(orjson.dumps(entry) + b"\n")
    with pytest.raises(ValueError, match="line 1"):
        AuditLog(file)


def test_a_full_disk_costs_the_audit_log_an_entry_and_never_its_chain(tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    log = AuditLog(file)
    log.write({"what": "sign-in"})
    free = resource.getrlimit(resource.RLIMIT_FSIZE)
    full = file.stat().st_size + 20  # bytes: a line does not fit
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (full, free[1]))
    try:
        with pytest.raises(OSError, match="part of a line"):
            log.write({"what": "reveal-phone"})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, free)
        signal.signal(signal.SIGXFSZ, ignored)
    log.write({"what": "sign-out"})
    log.close()

    found = verify(file)
    assert (found.lines, found.fault) == (2, None)


def test_a_viewer_may_do_nothing_and_an_operator_nothing_to_the_whole_city() -> None:
    assert may(Role.VIEWER) == ()
    assert not {"city-task", "silence", "take-over", "mode-on"} & set(may(Role.OPERATOR))
    assert set(may(Role.OPERATOR)) < set(may(Role.DESK))


def test_whatever_the_door_of_the_field_apps_offers_an_operator_may_ask() -> None:
    assert set(field.ACTIONS) - set(may(Role.OPERATOR)) == set()


@pytest.mark.parametrize(
    ("phone", "masked"),
    [("000-0000-0001", "000-****-**01"), ("+86 139 1234 5678", "+86 1** **** **78"), ("12", "**")],
)
def test_a_masked_number_helps_nobody_to_call_it(phone: str, masked: str) -> None:
    assert masked_phone(phone) == masked


def test_a_masked_name_keeps_its_first_letter() -> None:
    assert masked_name("示例船长") == "示***"
    assert masked_name("") == ""
