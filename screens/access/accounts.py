"""Accounts: a file of users with Argon2id hashes of their passwords."""

import os
import secrets
import tempfile
from collections.abc import Collection
from pathlib import Path

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from screens.access.people import EVERYWHERE, Person, Role

LEAST_PASSWORD = 10
_OF_THE_CITY = frozenset({Role.DESK, Role.ADMIN})


class Account(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One account; `stamp` changes with the password, so that old sessions end with it."""

    user: str
    name: str
    role: Role
    areas: tuple[str, ...]
    password_hash: str
    stamp: str

    @property
    def person(self) -> Person:
        return Person(self.user, self.name, self.role, self.areas)


class AccountError(ValueError):
    """An account that must not be; the text says why."""


class Accounts:
    """The accounts of a file, read again when it changes."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._read_at: tuple[int, int] = (0, 0)
        self._accounts: dict[str, Account] = {}
        self._hasher = PasswordHasher()
        self._nobody = self._hasher.hash(secrets.token_hex())

    def get(self, user: str) -> Account | None:
        """Return the account of `user`, None when there is none."""
        self._refresh()
        return self._accounts.get(user)

    def all(self) -> list[Account]:
        """Return all accounts by name."""
        self._refresh()
        return [self._accounts[user] for user in sorted(self._accounts)]

    def verify(self, user: str, password: str) -> Account | None:
        """Return the account if the password is right. Slow on purpose: use a thread.

        An unknown user takes as long as a wrong password.
        """
        account = self.get(user)
        try:
            self._hasher.verify(account.password_hash if account else self._nobody, password)
        except (VerificationError, InvalidHashError):
            return None
        return account

    def add(
        self,
        person: Person,
        password: str,
        communities: Collection[str],
    ) -> Account:
        """Add an account, or replace the one of that name.

        Raises:
            AccountError: A bad name, a short password, an unknown area, or a part of the
                city for a role that is of all of it.
        """
        if not person.user.isascii() or not person.user.replace("-", "").replace(".", "").isalnum():
            raise AccountError("a user's name is of letters, digits, dots and hyphens")
        if len(password) < LEAST_PASSWORD:
            raise AccountError(f"a password has at least {LEAST_PASSWORD} characters")
        if not person.areas:
            raise AccountError("name the communities, or * for the whole city")
        if person.role in _OF_THE_CITY and person.scope is not None:
            # What they may ask for, such as a silence, holds wherever it says.
            raise AccountError(f"the role {person.role} is of the whole city: name no area")
        for area in person.areas:
            if area not in communities and area != EVERYWHERE:
                raise AccountError(f"the city has no community {area!r}")
        account = Account(
            user=person.user,
            name=person.name,
            role=person.role,
            areas=person.areas,
            password_hash=self._hasher.hash(password),
            stamp=secrets.token_hex(8),
        )
        self._refresh()
        self._write({**self._accounts, person.user: account})
        return account

    def remove(self, user: str) -> bool:
        """Remove an account; return whether there was one."""
        self._refresh()
        left = {name: account for name, account in self._accounts.items() if name != user}
        if len(left) == len(self._accounts):
            return False
        self._write(left)
        return True

    def _refresh(self) -> None:
        try:
            status = self.file.stat()
        except FileNotFoundError:
            self._accounts, self._read_at = {}, (0, 0)
            return
        read_at = (status.st_mtime_ns, status.st_ino)
        if read_at == self._read_at:
            return
        try:
            found = msgspec.json.decode(self.file.read_bytes(), type=list[Account])
        except msgspec.DecodeError as error:
            raise AccountError(f"{self.file} is not a file of accounts: {error}") from None
        self._accounts = {account.user: account for account in found}
        self._read_at = read_at

    def _write(self, accounts: dict[str, Account]) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        raw = msgspec.json.format(msgspec.json.encode(list(accounts.values())))
        handle, name = tempfile.mkstemp(dir=self.file.parent)  # mode 0600
        with os.fdopen(handle, "wb") as out:
            out.write(raw)
            out.flush()
            os.fsync(out.fileno())
        Path(name).replace(self.file)
        self._refresh()
