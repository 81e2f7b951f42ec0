"""A proxy, a call centre and callers, each a process of its own on a free port of the loopback."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.servers.process import NotInstalled, running, until_answered

_HERE = Path(__file__).parent
_RECIPE = _HERE.parents[2] / "k8s" / "sip"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_ANSWER_SECONDS = 5.0


def program(name: str, package: str) -> str:
    """The path of a program; raises NotInstalled."""
    found = shutil.which(name, path=_PATH)
    if found is None:
        raise NotInstalled(f"{name} isn't installed (Debian: apt install {package})")
    return found


def free_udp_port() -> int:
    """A UDP port that is free now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def proxy(folder: Path, service: str, key: str, centre: int) -> Iterator[int]:
    """Kamailio with the recipe; yields its port. Raises NotInstalled.

    ``service``: Ringpool's address; ``key``: of the account; ``centre``: the call centre's port.
    """
    kamailio = program("kamailio", "kamailio kamailio-{extra,utils,json}-modules")
    port = free_udp_port()
    own = {
        "service": service,
        "key": key,
        "gateway": f"127.0.0.1:{centre}",
    }
    settings = (_RECIPE / "settings.cfg").read_text("utf-8")
    for name, value in own.items():
        settings = re.sub(rf'(?m)^(ringpool\.{name} = )"[^"]*"', rf'\g<1>"{value}"', settings)
    (folder / "settings.cfg").write_text(
        re.sub(r"127\.0\.0\.1:5060", f"127.0.0.1:{port}", settings)
    )
    shutil.copy(_RECIPE / "kamailio.cfg", folder)
    command = (kamailio, "-DD", "-E", "-f", folder / "kamailio.cfg", "-w", folder, "-Y", folder)
    log = folder / "kamailio.log"
    with running(command, log, cwd=folder) as process:
        until_answered(process, log, lambda: _options(port))
        yield port


@contextmanager
def call_centre(folder: Path, port: int) -> Iterator[Path]:
    """sipp, answering calls; yields the file in which it notes what came with each."""
    noted = folder / "call_centre.noted"
    command = (
        *(program("sipp", "sip-tester"), "-sf", _HERE / "call_centre.xml", "-i", "127.0.0.1"),
        *("-p", str(port), "-nostdin", "-trace_logs", "-log_file", noted),
    )
    log = folder / "call_centre.log"
    with running(command, log, cwd=folder) as process:
        until_answered(process, log, lambda: noted.stat())
        yield noted


def call(
    folder: Path,
    proxy_port: int,
    calls: Sequence[tuple[str, str]],
    *,
    scenario: str = "caller",
    rate: int = 10,
    talk_ms: int = 100,
    seconds: float = 60.0,
) -> None:
    """Make calls, each from a caller to a number, and wait until all are over.

    ``rate``: calls a second. Raises CalledProcessError when one didn't go as in the scenario.
    """
    callers = folder / "callers.csv"
    callers.write_text("SEQUENTIAL\n" + "".join(f"{a};{b}\n" for a, b in calls))
    command = (
        *(program("sipp", "sip-tester"), f"127.0.0.1:{proxy_port}", "-i", "127.0.0.1"),
        *("-p", str(free_udp_port()), "-sf", _HERE / f"{scenario}.xml", "-inf", callers),
        *("-m", str(len(calls)), "-r", str(rate), "-d", str(talk_ms), "-l", "10000"),
        *("-nostdin", "-trace_err", "-error_file", folder / "caller.errors"),
    )
    with (folder / "caller.log").open("ab") as log:
        subprocess.run(command, cwd=folder, stdout=log, stderr=log, check=True, timeout=seconds)


def _options(port: int) -> None:
    """Ask the proxy whether it is there; raises OSError when it doesn't say so."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0.2)
        client.connect(("127.0.0.1", port))
        own = f"127.0.0.1:{client.getsockname()[1]}"
        request = (
            f"OPTIONS sip:127.0.0.1:{port} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {own};branch=z9hG4bKready\r\n"
            f"From: <sip:ready@{own}>;tag=1\r\nTo: <sip:127.0.0.1:{port}>\r\nCall-ID: ready\r\n"
            "CSeq: 1 OPTIONS\r\nMax-Forwards: 5\r\nContent-Length: 0\r\n\r\n"
        )
        client.send(request.encode())
        if not client.recv(2048).startswith(b"SIP/2.0 200"):
            raise OSError("not ready")
