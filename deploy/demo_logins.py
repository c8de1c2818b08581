"""Who may sign in to a demonstration: made at its start, with passwords of that start."""

import secrets
from pathlib import Path
from typing import Final, NamedTuple

from screens.access.accounts import Accounts
from screens.access.people import EVERYWHERE, Person, Role
from screens.known.atlas import Atlas
from streams.city.model import City

_WORDS: Final = (
    "anchor", "bamboo", "breeze", "bridge", "candle", "carp", "cedar", "coral", "crane", "delta",
    "dune", "ferry", "harbour", "heron", "island", "jasmine", "kelp", "lantern", "lotus", "maple",
    "mussel", "orchid", "oyster", "pearl", "pine", "plover", "reef", "river", "sail", "salt",
    "shore", "sluice", "squid", "swallow", "tea", "tide",
)  # fmt: skip


class Login(NamedTuple):
    """Somebody who may sign in, and with what."""

    person: Person
    password: str

    def __str__(self) -> str:
        return f"{self.person.user} / {self.password}"


def make(data_dir: Path, city: City) -> list[Login]:
    """Return one login a role; those of an earlier start end with it."""
    communities = Atlas(city).communities
    first = min(communities)
    people = (
        Person("desk", "市级值班", Role.DESK, (EVERYWHERE,)),
        Person("operator", f"{first} 社区", Role.OPERATOR, (first,)),
        Person("viewer", "大屏", Role.VIEWER, (EVERYWHERE,)),
        Person("admin", "管理员", Role.ADMIN, (EVERYWHERE,)),
    )
    accounts = Accounts(data_dir / "screens" / "users.json")
    logins = [Login(person, _password()) for person in people]
    for login in logins:
        accounts.add(login.person, login.password, communities)
    return logins


def _password() -> str:
    """Return three words and a number, to be typed from a terminal: some 22 bits, and throttled."""
    words = "-".join(secrets.choice(_WORDS) for _ in range(3))
    return f"{words}-{secrets.randbelow(90) + 10}"
