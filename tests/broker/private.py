"""A RabbitMQ node of our own: own name, ports, data folder, cookie and port mapper.

It shares nothing with a broker that the machine may run, and leaves nothing behind: its processes
form a group of their own, which ``stop`` and ``kill`` end as a whole.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType

__all__ = ["BrokerError", "PrivateBroker", "free_port"]

START_SECONDS = 90.0
STOP_SECONDS = 30.0
PORT_MAPPER_SECONDS = 5.0

_CONFIG = """\
listeners.tcp.1 = 127.0.0.1:{amqp}
stream.listeners.tcp.1 = 127.0.0.1:{stream}
stream.advertised_host = 127.0.0.1
stream.advertised_port = {stream}
disk_free_limit.absolute = 100MB
vm_memory_high_watermark.absolute = 2GB
log.console = true
log.console.level = warning
log.file = false
"""


class BrokerError(Exception):
    """The private broker could not be started."""


def free_port() -> int:
    """Return a port on loopback that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class PrivateBroker:
    """One RabbitMQ node with streams, on loopback; use it as a context manager.

    Args:
        settings: Lines of ``rabbitmq.conf`` beside ours; ``configure`` exchanges them.

    Attributes:
        url: Its AMQP 0-9-1 URL.
        stream_url: Its stream protocol URL.
    """

    def __init__(self, settings: str = "") -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="tidegate-rabbitmq-"))
        self._amqp, self._stream = free_port(), free_port()
        self._epmd, self._dist = free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"amqp://guest:guest@127.0.0.1:{self._amqp}/"
        self.stream_url = f"rabbitmq-stream://guest:guest@127.0.0.1:{self._stream}/"
        self._write_files()
        self.configure(settings)

    def __enter__(self) -> PrivateBroker:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def is_running(self) -> bool:
        """Whether its process lives."""
        return self._process is not None and self._process.poll() is None

    def configure(self, settings: str) -> None:
        """Have other settings beside ours from the next start on."""
        config = _CONFIG.format(amqp=self._amqp, stream=self._stream)
        (self._folder / "rabbitmq.conf").write_text(f"{config}{settings}\n")

    def start(self) -> None:
        """Start it, again after ``stop`` or ``kill`` with the same data; returns when it serves.

        Raises:
            BrokerError: RabbitMQ is not installed, or did not come up.
        """
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [_program("rabbitmq-server")],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        end = time.monotonic() + START_SECONDS
        while not (_answers_amqp(self._amqp) and _accepts(self._stream)):
            if not self.is_running or time.monotonic() > end:
                tail = (self._folder / "log").read_text(errors="replace")[-2000:]
                self.close()
                raise BrokerError(f"RabbitMQ did not start:\n{tail}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Shut it down in order; its data stays."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
        self.kill()

    def kill(self) -> None:
        """End it at once, as a crash would; what was confirmed stays."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None
        self._stop_port_mapper()

    def control(self, *arguments: str) -> str:
        """Run ``rabbitmqctl`` against it and return what it prints."""
        done = subprocess.run(
            [_program("rabbitmqctl"), "--quiet", *arguments],
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return done.stdout

    def close(self) -> None:
        """End it and delete its data."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _write_files(self) -> None:
        (self._folder / "plugins").write_text("[rabbitmq_stream].\n")
        (self._folder / "env.conf").write_text("")
        cookie = self._folder / ".erlang.cookie"
        cookie.write_text("tidegate-test")
        cookie.chmod(0o400)

    def _environment(self) -> dict[str, str]:
        folder = str(self._folder)
        return {
            **os.environ,
            "HOME": folder,
            "ERL_EPMD_PORT": str(self._epmd),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"tidegate-test-{self._amqp}@localhost",
            "RABBITMQ_DIST_PORT": str(self._dist),
            "RABBITMQ_NODE_PORT": str(self._amqp),
            "RABBITMQ_CONF_ENV_FILE": f"{folder}/env.conf",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq.conf",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/plugins",
            "RABBITMQ_MNESIA_BASE": f"{folder}/data",
            "RABBITMQ_LOG_BASE": folder,
            "RABBITMQ_PID_FILE": f"{folder}/pid",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none",
        }

    def _stop_port_mapper(self) -> None:
        """End the Erlang port mapper, which starts itself and outlives the node.

        It refuses for the moment in which it has not noticed yet that the node is gone.
        """
        epmd = shutil.which("epmd")
        end = time.monotonic() + PORT_MAPPER_SECONDS
        while epmd is not None and _accepts(self._epmd) and time.monotonic() < end:
            subprocess.run(
                [epmd, "-port", str(self._epmd), "-kill"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
            )
            time.sleep(0.02)


def _program(name: str) -> str:
    """Return the script itself: the one on the PATH insists on the system's ``rabbitmq`` user."""
    for script in sorted(Path("/usr/lib/rabbitmq/lib").glob(f"rabbitmq_server-*/sbin/{name}")):
        return str(script)
    found = shutil.which(name)
    if found is None:
        raise BrokerError(
            f"{name} is not installed (Debian: apt install rabbitmq-server); "
            "or name a broker in TIDEGATE_TEST_AMQP_URL"
        )
    return found


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _answers_amqp(port: int) -> bool:
    """Tell whether the broker greets: its listener is open some time before it is ready."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as probe:
            probe.sendall(b"AMQP\x00\x00\x09\x01")
            return bool(probe.recv(8))
    except OSError:
        return False
