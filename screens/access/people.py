"""Roles: who may see which part of the city, and do what in it."""

from enum import StrEnum
from typing import NamedTuple

EVERYWHERE = "*"


class Role(StrEnum):
    """What a person is to the city."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    DESK = "desk"
    ADMIN = "admin"


class Person(NamedTuple):
    """Somebody who signed in.

    Attributes:
        user, name: To machines and to people.
        role: What they may do.
        areas: Codes of the communities that they see and act on; `*` is the whole city.
    """

    user: str
    name: str
    role: Role
    areas: tuple[str, ...]

    @property
    def scope(self) -> frozenset[str] | None:
        """The communities that they may see; None for the whole city."""
        return None if EVERYWHERE in self.areas else frozenset(self.areas)

    @property
    def sees_personal(self) -> bool:
        """Whether they may ask for a telephone number, giving a reason."""
        return self.role is not Role.VIEWER
