"""Starts one peer on loopback and keeps it alive exactly as long as its parent lives.

The test process holds the other end of standard input. When that pipe closes, be it
by a clean drop or because the test process was killed, the peer is killed and its
working folder removed, so that no run leaves a server or a file behind.

Usage: launch.py ministack|moto, or launch.py microburst UPSTREAM
Prints one JSON line once the peer answers: {"endpoint", "log"}, or {"error", "log_tail"}.
"""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# The peers answer within two seconds on two cores; the rest is for a machine that
# compiles something else at the same time.
READY_WITHIN_SECONDS = 60.0
POLL_EVERY_SECONDS = 0.05
# Another process may take the port between its release and the peer's bind.
ATTEMPTS = 3
LOG_TAIL_BYTES = 4000


def free_port():
    """A port that the system hands out; nothing else listens on it right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def command(peer, port, upstream):
    """Command line, extra environment and health path of a peer.

    MiniStack listens on every interface unless told otherwise. With AUTH=true it checks
    signatures and IAM policies; moto starts without and is switched over by the seed.
    microburst is a proxy that does wrong what it is told to do wrong.
    """
    if peer == "ministack":
        environment = {
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "AUTH": "true",
            "STATE_DIR": "state",
        }
        return [sys.executable, "-m", "ministack"], environment, "/_ministack/health"
    if peer == "moto":
        return (
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            {},
            "/moto-api/",
        )
    if peer == "microburst" and upstream:
        arguments = ["--upstream", *upstream, "--host", "127.0.0.1", "--port", str(port)]
        return [sys.executable, "-m", "microburst", *arguments], {}, "/_microburst/health"
    raise SystemExit(f"unknown peer {peer!r}: use ministack, moto or microburst UPSTREAM")


def answers(port, path):
    """Whether the peer answers its health path with 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def wait_until_ready(process, port, path):
    """True once the peer answers; False when it died or took too long."""
    deadline = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            return False
        # Asked a second time whether the process lives: what answered might be the
        # stranger that took the port.
        if answers(port, path) and process.poll() is None:
            return True
        time.sleep(POLL_EVERY_SECONDS)
    return False


def kill(process):
    """Ends the peer and whatever it started; it holds nothing worth saving."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def start(peer, upstream, folder):
    """Starts the peer; returns (process, endpoint, log), or (None, None, log)."""
    log = folder / f"{peer}.log"
    for _ in range(ATTEMPTS):
        port = free_port()
        arguments, extra, path = command(peer, port, upstream)
        # A clean environment: no proxy, no AWS setting and no profile of the person
        # who runs the tests reaches the peer.
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(folder),
            "TMPDIR": str(folder),
            **extra,
        }
        with log.open("ab") as output:
            process = subprocess.Popen(
                arguments,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        if wait_until_ready(process, port, path):
            return process, f"http://127.0.0.1:{port}", log
        kill(process)
    return None, None, log


def main():
    """Runs one peer until standard input ends."""
    peer, *upstream = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix=f"{peer}-", ignore_cleanup_errors=True) as name:
        process, endpoint, log = start(peer, upstream, Path(name))
        if process is None:
            tail = log.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace")
            print(json.dumps({"error": f"{peer} did not answer", "log_tail": tail}), flush=True)
            return
        try:
            print(json.dumps({"endpoint": endpoint, "log": str(log)}), flush=True)
            while sys.stdin.buffer.read(4096):
                pass
        finally:
            kill(process)


if __name__ == "__main__":
    main()
