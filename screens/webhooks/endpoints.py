"""The file of endpoints: who is told what, and with which secret it is signed."""

import os
import tomllib
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from schemas.topics import ALERTS, DISPATCH_ORDERS, INCIDENTS, REMINDERS
from screens.webhooks.addresses import check as check_address
from screens.webhooks.addresses import is_literal
from screens.webhooks.signature import secret_of

TOPICS: Final = (ALERTS, INCIDENTS, DISPATCH_ORDERS, REMINDERS)
"""What may be told to others: nothing here is about a person."""


class EndpointsError(ValueError):
    """The file is not right; the text says what, where, and what would be."""


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An endpoint as it is written."""

    url: str
    topics: Annotated[tuple[str, ...], Meta(min_length=1)]
    secret_env: str = ""
    secret_file: str = ""
    where: dict[str, tuple[str, ...]] = {}
    timeout_s: Annotated[float, Meta(gt=0, le=60)] = 10.0


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    endpoints: dict[str, _Table]
    allow_addresses: tuple[str, ...] = ()


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to tell.

    Attributes:
        name: Of the endpoint; its place in the topics is kept under it.
        url: Where to.
        topics: What of.
        secrets: That sign.
        where: A message goes only if each named field has one of the values.
        timeout_s: How long an answer may take.
    """

    name: str
    url: str
    topics: tuple[str, ...]
    secrets: tuple[bytes, ...]
    where: dict[str, tuple[str, ...]]
    timeout_s: float

    def wants(self, said: Mapping[str, Any]) -> bool:
        """Return whether it is told a message."""
        return all(str(said.get(field, "")) in values for field, values in self.where.items())


class Endpoints(msgspec.Struct, frozen=True):
    """All endpoints, and the networks that may be posted to although they are not public."""

    all: tuple[Endpoint, ...]
    allowed: tuple[str, ...]


def read(path: Path, environment: Mapping[str, str] = os.environ) -> Endpoints:
    """Read the file of endpoints.

    Raises:
        EndpointsError: With what is wrong, where, and the cure.
        OSError: It cannot be read.
    """
    try:
        file = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _File)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise EndpointsError(f"{path}: {error}") from None
    for network in file.allow_addresses:
        try:
            ip_network(network)
        except ValueError as error:
            raise EndpointsError(f"{path}: allow_addresses: {error}; such as 10.1.0.0/16") from None
    if not file.endpoints:
        raise EndpointsError(f"{path}: no endpoint; write [endpoints.NAME] with url and topics")
    found = []
    for name, table in file.endpoints.items():
        try:
            found.append(_endpoint(name, table, file.allow_addresses, path, environment))
        except (ValueError, OSError) as error:
            raise EndpointsError(f"{path}: endpoints.{name}: {error}") from None
    return Endpoints(tuple(found), file.allow_addresses)


def _endpoint(
    name: str,
    table: _Table,
    allowed: tuple[str, ...],
    path: Path,
    environment: Mapping[str, str],
) -> Endpoint:
    parts = urlsplit(table.url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise ValueError(f"url {table.url!r}: write https://host/path, without a user in it")
    if is_literal(parts.hostname):
        check_address(parts.hostname, allowed, parts.hostname)
    for topic in table.topics:
        if topic not in TOPICS:
            raise ValueError(f"topic {topic!r} is not told to others; known: {', '.join(TOPICS)}")
    return Endpoint(
        name=name,
        url=table.url,
        topics=table.topics,
        secrets=_secrets(table, path, environment),
        where=table.where,
        timeout_s=table.timeout_s,
    )


def _secrets(table: _Table, path: Path, environment: Mapping[str, str]) -> tuple[bytes, ...]:
    """Return the secrets: each line of the file, or the words of the variable."""
    if bool(table.secret_env) == bool(table.secret_file):
        raise ValueError("name either secret_env or secret_file; a secret never stands here")
    if table.secret_file:
        text = (path.parent / table.secret_file).read_text(encoding="utf-8")
    else:
        text = environment.get(table.secret_env, "")
    if not text.split():
        raise ValueError(f"no secret in {table.secret_file or table.secret_env}")
    return tuple(secret_of(word) for word in text.split())
