"""The whole of it on one machine: web server, queue and a receiver, with one log.

Run it with ``make demo`` or ``python -m example_site.demo``. Ctrl-C stops everything; the data
stays for the next time. DEMO_PORT and DEMO_RECEIVER_PORT choose other ports.
"""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from honcho.compat import ProcessManager
from honcho.manager import Manager


MANAGE = Path(__file__).resolve().parent.parent / "manage.py"
PORTS = {"DEMO_PORT": 8000, "DEMO_RECEIVER_PORT": 8900}
STOPPED_BY_SIGNAL = (130, 143)


def main() -> int:
    try:
        port, receiver_port = (_port(name, default) for name, default in PORTS.items())
    except ValueError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    if problems := _port_problems({"DEMO_PORT": port, "DEMO_RECEIVER_PORT": receiver_port}):
        print("\n".join(problems), file=sys.stderr)  # noqa: T201
        return 1
    os.environ.update(_environment(port, receiver_port))
    for command in (["migrate", "--verbosity", "0"], ["load_demo"]):
        if code := subprocess.run([sys.executable, str(MANAGE), *command]).returncode:  # noqa: S603
            return code
    return _run(
        {
            "web": ["runserver", "--noreload", f"127.0.0.1:{port}"],
            "queue": ["qcluster"],
            "receiver": ["webhooks_listen", "--port", str(receiver_port)],
        }
    )


def _port(name: str, default: int) -> int:
    value = os.environ.get(name) or str(default)
    if not value.isdecimal() or not 0 < int(value) < 65536:
        raise ValueError(f"{name} must be a port number, not {value!r}.")
    return int(value)


def _port_problems(ports: dict[str, int]) -> list[str]:
    """A sentence for each port that cannot be had, with the way out."""
    problems = [
        f"Port {port} is taken by another program. Choose another: "
        f"{name}={_next_free(port)} make demo"
        for name, port in ports.items()
        if not _is_free(port)
    ]
    if len(set(ports.values())) < len(ports):
        problems.append(f"{' and '.join(ports)} must not be the same port.")
    return problems


def _next_free(port: int) -> int:
    return next(other for other in (*range(port + 1, 65536), *range(1024, port)) if _is_free(other))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the servers do: a port in TIME_WAIT from the last run is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _environment(port: int, receiver_port: int) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "example_site.settings",
        "DEBUG": "1",
        "DEMO_PORT": str(port),
        "DEMO_RECEIVER_PORT": str(receiver_port),
        "WAGTAILADMIN_BASE_URL": f"http://localhost:{port}",
        "WEBHOOKS_ALLOW_HTTP": "1",
        "WEBHOOKS_ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8",
        "WEBHOOKS_ALLOWED_PORTS": f"443,{receiver_port}",
        "PYTHONUNBUFFERED": "1",
    }


class _LeaderFirst(ProcessManager):
    """Asks only the first process of each group to stop, and kills whole groups after 5 seconds.

    The queue ends its own workers in order, and does not when they are told to stop behind its
    back.
    """

    def terminate(self, pid: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


def _run(commands: dict[str, list[str]]) -> int:
    """Run all, each in a process group of its own, until one ends or a signal comes."""
    manager = Manager()
    manager._procmgr = _LeaderFirst()
    for name, command in commands.items():
        line = shlex.join([sys.executable, str(MANAGE), *command])
        manager.add_process(name, f"exec {line}")
    # A closed terminal is no reason to leave processes behind.
    signal.signal(signal.SIGHUP, _terminate)
    manager.loop()
    return 0 if manager.returncode in STOPPED_BY_SIGNAL else 1


def _terminate(signum: int, frame: Any) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        # While the data is loaded; later it is the manager that hears it.
        sys.exit(STOPPED_BY_SIGNAL[0])
