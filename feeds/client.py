"""A client for integrators: events go to a spool on disk, and from there through the HTTP door.

    with Client("http://127.0.0.1:8087", key, Path("spool.db")) as client:
        client.send({"source": "noise", "kind": "noise.laeq", ...})

What `send` has returned for survives an outage of the door and an end of this
process. It is delivered in batches, in order, until the door answers for it; an
answer that is lost costs a repetition, which the door knows as a duplicate.
"""

import http.client
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self
from urllib.parse import urlsplit

import msgspec
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_delay, stop_any
from tenacity.stop import stop_when_event_set

MAX_BATCH: Final = 1000
_MAX_BATCH_BYTES: Final = 2_000_000
_TIMEOUT_S: Final = 15.0
_LINGER_S: Final = 0.2
_LONGEST_WAIT_S: Final = 30.0
MOST_SPOOLED: Final = 5_000_000
_TRY_LATER: Final = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
_ANSWERED: Final = frozenset({HTTPStatus.ACCEPTED, HTTPStatus.UNPROCESSABLE_ENTITY})

OnRefused = Callable[[Mapping[str, Any], Mapping[str, Any]], None]
"""Told an event that was refused, and its verdict."""


class DoorError(Exception):
    """The door refuses the request itself: a wrong key, a wrong address. Nothing is lost."""


class SpoolFullError(Exception):
    """The spool holds as much as it may; the event was not taken."""


class _LaterError(Exception):
    """The door cannot take it now."""

    def __init__(self, why: str, after_s: float = 0.0) -> None:
        super().__init__(why)
        self.after_s = after_s


class _Spooled(NamedTuple):
    number: int
    body: bytes


class Spool:
    """Events on disk, in order, until the door has answered for them.

    Args:
        path: An SQLite file; made when it is not there.
        most: Of events that it may hold.
    """

    def __init__(self, path: Path, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._file = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._file.execute("PRAGMA journal_mode=WAL")
        self._file.execute("PRAGMA synchronous=NORMAL")
        self._file.execute(
            "CREATE TABLE IF NOT EXISTS events "
            "(number INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL)"
        )
        self._count = int(self._file.execute("SELECT count(*) FROM events").fetchone()[0])

    def __len__(self) -> int:
        return self._count

    def add(self, body: bytes) -> None:
        """Keep an event.

        Raises:
            SpoolFullError: It is full.
        """
        with self._lock:
            if self._count >= self._most:
                raise SpoolFullError(f"{self._count} events wait; is the door reachable?")
            self._file.execute("INSERT INTO events (body) VALUES (?)", (body,))
            self._count += 1

    def first(self, count: int, most_bytes: int) -> list[_Spooled]:
        """Return the oldest events: at least one, and no more than was asked for."""
        with self._lock:
            rows = self._file.execute(
                "SELECT number, body FROM events ORDER BY number LIMIT ?", (count,)
            ).fetchall()
        taken: list[_Spooled] = []
        size = 0
        for row in rows:
            size += len(row[1])
            if taken and size > most_bytes:
                break
            taken.append(_Spooled(*row))
        return taken

    def drop(self, events: Sequence[_Spooled]) -> None:
        """Forget the oldest events, which were answered for."""
        with self._lock:
            self._file.execute("DELETE FROM events WHERE number <= ?", (events[-1].number,))
            self._count -= len(events)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Client:
    """Delivers events through the HTTP door; as a context it does so in the background.

    Args:
        url: Of the door: `http://host:port`.
        key: As `citybrain keys new` showed it.
        spool: File in which events wait.
        on_refused: Told each event that the door refuses, and why.
        batch: Events a request.
        most_spooled: Events that may wait.

    Attributes:
        answered: Events by verdict: accepted, duplicate, rejected.
        error: Why nothing is delivered any more: the door refuses the request itself, or
            `on_refused` failed, or the spool; None while it goes on.
    """

    def __init__(
        self,
        url: str,
        key: str,
        spool: Path,
        *,
        on_refused: OnRefused | None = None,
        batch: int = MAX_BATCH,
        most_spooled: int = MOST_SPOOLED,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or parts.hostname is None:
            raise ValueError(f"{url!r} is no address such as http://127.0.0.1:8087")
        secure = parts.scheme == "https"
        connect = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        self._link = connect(parts.hostname, parts.port, timeout=_TIMEOUT_S)
        self._path = f"{parts.path.rstrip('/')}/v1/events"
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._on_refused = on_refused
        self._batch = min(batch, MAX_BATCH)
        self.spool = Spool(spool, most_spooled)
        self._over = threading.Event()
        self._fresh = threading.Event()
        self._pump: threading.Thread | None = None
        self._delivering = threading.Lock()
        self.error: Exception | None = None
        self.answered: Counter[str] = Counter()

    def send(self, event: Mapping[str, Any]) -> None:
        """Take an event; it is on disk when this returns.

        Raises:
            SpoolFullError: The door was away for too long.
            Exception: What `error` holds: the door refused an earlier request as such.
        """
        if self.error is not None:
            raise self.error
        self.spool.add(msgspec.json.encode(event))
        self._fresh.set()

    def flush(self, within_s: float) -> bool:
        """Deliver what waits; return whether all of it was answered for in time.

        Raises:
            DoorError: The door refuses the request itself.
        """
        until_s = time.monotonic() + within_s
        while len(self.spool):
            left_s = until_s - time.monotonic()
            if left_s <= 0 or not self._deliver(left_s):
                return False
        return True

    def __enter__(self) -> Self:
        self._pump = threading.Thread(target=self._run, name="citybrain-client", daemon=True)
        self._pump.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self, within_s: float = 5.0) -> None:
        """Deliver for so long what waits, and end; the rest waits for the next start."""
        try:
            if self.error is None:
                self.flush(within_s)
        finally:
            self._over.set()
            self._fresh.set()
            if self._pump is not None:
                self._pump.join()
            self._link.close()
            self.spool.close()

    def _run(self) -> None:
        while not self._over.is_set():
            self._fresh.wait()
            self._fresh.clear()
            self._over.wait(_LINGER_S)  # a batch gathers
            try:
                while len(self.spool) and not self._over.is_set():
                    self._deliver(None)
            except DoorError as error:
                self.error = error
                return
            except Exception as error:  # told to whoever sends the next event, too
                self.error = error
                raise

    def _deliver(self, within_s: float | None) -> bool:
        """Deliver one batch; return whether it was answered for in time."""
        stops: list[Any] = [stop_when_event_set(self._over)]
        if within_s is not None:
            stops.append(stop_after_delay(within_s))
        retrying = Retrying(
            retry=retry_if_exception_type(_LaterError),
            wait=_wait_s,
            stop=stop_any(*stops),
            sleep=self._sleep,
            retry_error_callback=lambda _: False,
        )
        return bool(retrying(self._try))

    def _sleep(self, seconds: float) -> None:
        self._over.wait(seconds)

    def _try(self) -> bool:
        with self._delivering:
            events = self.spool.first(self._batch, _MAX_BATCH_BYTES)
            if not events:
                return True
            verdicts = self._post(b"[" + b",".join(one.body for one in events) + b"]")
            for verdict in verdicts:
                self.answered[verdict["verdict"]] += 1
                if verdict["verdict"] == "rejected" and self._on_refused is not None:
                    event = msgspec.json.decode(events[verdict["index"]].body)
                    self._on_refused(event, verdict)
            self.spool.drop(events)
            return True

    def _post(self, body: bytes) -> Sequence[Mapping[str, Any]]:
        try:
            self._link.request("POST", self._path, body, self._headers)
            answer = self._link.getresponse()
            said = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._link.close()
            raise _LaterError(f"the door does not answer: {error}") from error
        if answer.status in _ANSWERED:
            return _verdicts(said)
        if answer.status in _TRY_LATER:
            told = answer.headers.get("Retry-After", "")
            raise _LaterError(f"{answer.status}", float(told) if told.isdigit() else 0.0)
        raise DoorError(f"the door answers {answer.status}: {said[:300].decode(errors='replace')}")


def _verdicts(said: bytes) -> Sequence[Mapping[str, Any]]:
    """Return the verdicts of an answer; one that holds none is of somebody on the way."""
    try:
        verdicts: Sequence[Mapping[str, Any]] = msgspec.json.decode(said)["verdicts"]
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        raise _LaterError("the answer holds no verdicts") from error
    return verdicts


def _wait_s(state: RetryCallState) -> float:
    """Return when to try again: as the door says, else longer each time."""
    failed = state.outcome.exception() if state.outcome is not None else None
    after_s = failed.after_s if isinstance(failed, _LaterError) else 0.0
    return after_s or min(_LONGEST_WAIT_S, 0.2 * 2.0 ** min(state.attempt_number, 10))
