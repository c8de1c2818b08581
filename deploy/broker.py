"""The embedded broker: Apache Kafka, one KRaft node, on this machine's Java.

It listens on the loopback address only. Its data, settings and log are under
`<data>/kafka`; the ports are chosen once and kept there, so that a restart comes
back at the same address.
"""

import base64
import contextlib
import signal
import socket
import string
import subprocess
import time
import uuid
from pathlib import Path
from types import TracebackType

import msgspec

from deploy import processes
from deploy.errors import Fault
from deploy.kafkajars import ensure_jars, find_java
from deploy.ports import free_port, is_free

KAFKA_FILES = Path(__file__).parent / "kafka"
DEFAULT_DATA = Path(".citybrain")
START_TIMEOUT_S = 60.0
STOP_GRACE_S = 6.0
_HEAP = "-Xmx512m"
_POLL_S = 0.05
_EXCERPT_LINES = 12


class BrokerState(msgspec.Struct, frozen=True):
    """What is kept in `broker.json`: the addresses, and the process while it runs."""

    port: int
    controller_port: int
    pid: int | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"


class EmbeddedBroker:
    """One Kafka node over one data folder.

    As a context manager it gives the address and stops the node at the end.
    A broker that is not detached dies with the process that started it.

    Args:
        data_dir: The installation's data folder; Kafka takes `kafka` in it.
        port: Where to listen; None keeps the last one, or chooses a free one.
    """

    def __init__(self, data_dir: Path, port: int | None = None) -> None:
        self.home = data_dir.resolve() / "kafka"
        self._wanted_port = port
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> str:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def log_file(self) -> Path:
        """Kafka's own log; it rolls over at 5 MB."""
        return self.home / "log" / "kafka.log"

    def running(self) -> BrokerState | None:
        """Return the state of a node that runs on this folder, whoever started it."""
        state = self._read_state()
        if state is None or state.pid is None or not self._is_ours(state.pid):
            return None
        return state

    def start(self, timeout_s: float = START_TIMEOUT_S, *, detach: bool = False) -> str:
        """Start the node, wait until it serves, and return its address.

        Args:
            timeout_s: How long it may take to come up.
            detach: Leave it running when this process ends.

        Raises:
            Fault: No Java, no jars, the folder or the port is taken, or the
                node did not come up; the end of its log is in the message.
        """
        if (other := self.running()) is not None:
            raise Fault(
                f"A broker already runs on {self.home} (pid {other.pid}, {other.address})",
                "Use it, stop it with `citybrain broker stop`, or give another --data.",
            )
        java, jars = find_java(), ensure_jars()
        state = self._choose_ports()
        (self.home / "log").mkdir(parents=True, exist_ok=True)
        settings = self._write_settings(state)
        if not (self.home / "data" / "meta.properties").exists():
            self._format(java, jars, settings)
        with (self.home / "log" / "console.log").open("wb") as console:
            self._child = processes.spawn(
                [*self._java(java, jars), "kafka.Kafka", str(settings)],
                output=console,
                cwd=self.home,
                tied=not detach,
            )
        self._write_state(msgspec.structs.replace(state, pid=self._child.pid))
        try:
            self._wait_serving(state, timeout_s)
        except BaseException:
            self.kill()
            raise
        return state.address

    def stop(self, grace_s: float = STOP_GRACE_S) -> bool:
        """End the node in order, by force after `grace_s`; False if none ran."""
        state = self._read_state()
        if self._child is not None:
            ran = self._child.poll() is None
            processes.end([self._child], grace_s)
            self._child = None
        elif (state := self.running()) is not None and state.pid is not None:
            ran = True
            processes.signal_group(state.pid, signal.SIGTERM)
            if not processes.wait_gone(state.pid, grace_s):
                processes.signal_group(state.pid, signal.SIGKILL)
                processes.wait_gone(state.pid, grace_s)
        else:
            ran = False
        if state is not None:
            self._write_state(msgspec.structs.replace(state, pid=None))
        return ran

    def kill(self) -> None:
        """End the node as a power cut would, with no last words."""
        self.stop(grace_s=0.0) if self._child is None else self._kill_child(self._child)

    def restart(self, timeout_s: float = START_TIMEOUT_S) -> str:
        """Stop and start on the same port and data."""
        self.stop()
        return self.start(timeout_s)

    def _kill_child(self, child: subprocess.Popen[bytes]) -> None:
        processes.signal_group(child.pid, signal.SIGKILL)
        child.wait()
        self.stop()

    def _java(self, java: str, jars: Path) -> list[str]:
        return [
            java,
            _HEAP,
            "-XX:+ExitOnOutOfMemoryError",
            "-Djava.awt.headless=true",
            f"-Dlog4j2.configurationFile={KAFKA_FILES / 'log4j2.properties'}",
            f"-Dcitybrain.log.dir={self.home / 'log'}",
            "-cp",
            f"{jars}/*",
        ]

    def _format(self, java: str, jars: Path, settings: Path) -> None:
        """Give the empty data folder a cluster id, as Kafka demands once."""
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
        # An id that begins with a dash would be read as an option.
        argv = [*self._java(java, jars), "kafka.tools.StorageTool", "format"]
        argv += [f"--cluster-id={cluster}", "--config", str(settings)]
        done = subprocess.run(  # noqa: S603  # our own command
            argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
        if done.returncode:
            raise Fault(
                f"Kafka could not format {self.home}:\n{_indent(done.stdout + done.stderr)}",
                "Make the folder writable, or give another --data.",
            )

    def _wait_serving(self, state: BrokerState, timeout_s: float) -> None:
        """Wait for the port, then for Kafka's word that it serves."""
        console = self.home / "log" / "console.log"
        deadline = time.monotonic() + timeout_s
        while not _serves(state.port):
            if self._child is None or self._child.poll() is not None:
                raise Fault(f"Kafka ended while it came up:\n{self._excerpt(console)}", self._cure)
            if time.monotonic() > deadline:
                raise Fault(
                    f"Kafka did not come up within {timeout_s:.0f} s:\n{self._excerpt(console)}",
                    self._cure,
                )
            time.sleep(_POLL_S)

    @property
    def _cure(self) -> str:
        return f"The whole log: {self.log_file}"

    def _excerpt(self, console: Path) -> str:
        """Return the lines that say why it failed, from the log or the console."""
        for file in (self.log_file, console):
            with contextlib.suppress(OSError):
                lines = file.read_text(errors="replace").splitlines()
                telling = [line for line in lines if " ERROR " in line or " FATAL " in line]
                if lines:
                    return _indent("\n".join((telling or lines)[-_EXCERPT_LINES:]))
        return "  (it wrote no log)"

    def _choose_ports(self) -> BrokerState:
        """Keep the last ports while they are free; the wanted port must be."""
        last = self._read_state()
        wanted = self._wanted_port
        if wanted is not None and not is_free(wanted):
            raise Fault(
                f"Port {wanted} is taken on 127.0.0.1",
                "Give another --port, or none: a free one is chosen.",
            )
        port = wanted or (last.port if last and is_free(last.port) else free_port())
        controller = last.controller_port if last and is_free(last.controller_port) else 0
        while controller in (0, port):
            controller = free_port()
        return BrokerState(port=port, controller_port=controller)

    def _write_settings(self, state: BrokerState) -> Path:
        template = string.Template((KAFKA_FILES / "server.properties").read_text())
        path = self.home / "server.properties"
        path.write_text(
            template.substitute(
                port=state.port,
                controller_port=state.controller_port,
                # A properties file reads a backslash as an escape.
                log_dir=str(self.home / "data").replace("\\", "\\\\"),
            )
        )
        return path

    def _is_ours(self, pid: int) -> bool:
        """Whether `pid` lives and is this folder's node, as far as /proc tells."""
        if not processes.is_alive(pid):
            return False
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return True
        return str(self.home / "server.properties").encode() in command

    def _read_state(self) -> BrokerState | None:
        try:
            return msgspec.json.decode((self.home / "broker.json").read_bytes(), type=BrokerState)
        except (OSError, msgspec.DecodeError):
            return None

    def _write_state(self, state: BrokerState) -> None:
        (self.home / "broker.json").write_bytes(msgspec.json.encode(state))


def _indent(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.strip().splitlines())


def _serves(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1.0):
            return True
    except OSError:
        return False
