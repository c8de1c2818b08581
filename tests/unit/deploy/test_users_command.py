"""`citybrain users`: who may sign in, as an administrator sees it."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from deploy.cli import cli
from screens.access.accounts import Accounts
from screens.access.audit import AuditLog
from screens.access.people import Role

PASSWORD = "correct-horse\n"  # noqa: S105 - of an account that lives for a test


def users(state: Path, *words: str, said: str = "") -> tuple[int, str]:
    outcome = CliRunner().invoke(cli, ["users", *words, "--state", str(state)], input=said)
    assert outcome.exception is None or isinstance(outcome.exception, SystemExit)
    return outcome.exit_code, outcome.output


def test_a_user_is_added_listed_and_removed(tmp_path: Path) -> None:
    add = ("add", "op-1", "--role", "operator", "--area", "LG-C007", "--password-stdin")
    assert users(tmp_path, *add, said=PASSWORD)[0] == 0

    code, told = users(tmp_path, "list")
    assert (code, told.split()[:3]) == (0, ["op-1", "operator", "LG-C007"])
    assert users(tmp_path, "remove", "op-1")[0] == 0
    assert users(tmp_path, "remove", "op-1")[0] == 1


@pytest.mark.parametrize(
    ("words", "said", "why"),
    [
        (("--role", "operator"), PASSWORD, "--area"),
        (("--role", "operator", "--area", "LG-C999"), PASSWORD, "LG-C999"),
        (("--role", "viewer"), "short\n", "characters"),
    ],
)
def test_a_wrong_account_is_usage_told_in_words(
    tmp_path: Path, words: tuple[str, ...], said: str, why: str
) -> None:
    code, told = users(tmp_path, "add", "somebody", *words, "--password-stdin", said=said)

    assert code == 2
    assert why in told


def test_a_demonstration_has_one_login_a_role_and_another_one_at_each_start(
    tmp_path: Path,
) -> None:
    first = users(tmp_path, "demo")[1].splitlines()
    second = users(tmp_path, "demo")[1].splitlines()

    assert {line.split()[0] for line in second} == set(Role)
    assert not set(first) & set(second)
    accounts = Accounts(tmp_path / "screens" / "users.json")
    for line in second:
        _, user, _, password = line.split()
        assert accounts.verify(user, password) is not None


def test_an_edited_audit_log_is_a_finding(tmp_path: Path) -> None:
    file = tmp_path / "screens" / "audit.jsonl"
    log = AuditLog(file)
    log.write({"what": "sign-in", "user": "op-1"})
    log.close()
    assert users(tmp_path, "audit")[0] == 0

    file.write_bytes(file.read_bytes().replace(b"op-1", b"op-2"))

    code, told = users(tmp_path, "audit")
    assert code == 1
    assert "line 1: it was changed" in told
