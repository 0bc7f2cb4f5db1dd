"""An S3 server with authentication, and a line to it that can be cut.

The server is moto's, in a process of its own: it must ask for credentials from the first request,
which it decides when it is imported.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import boto3

__all__ = ["Line", "Server", "running_server"]

_SERVE = "from moto.server import main; import sys; main(sys.argv[1:])"
# What it takes to make a user with a key before every request needs one.
_ACTIONS_BEFORE_AUTHENTICATION = "3"
_POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
}


@dataclass(frozen=True)
class Server:
    """Where the server listens, and the key that it accepts."""

    url: str
    key: str
    secret: str

    @property
    def client(self):
        """A client of its own, beside the one under test."""
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
            region_name="us-east-1",
        )


@contextlib.contextmanager
def running_server() -> Iterator[Server]:
    """Start a server and make a user who may do anything."""
    port = _free_port()
    environment = {**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": _ACTIONS_BEFORE_AUTHENTICATION}
    command = [sys.executable, "-c", _SERVE, "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_for(url, process)
            yield Server(url, *_user(url))
        finally:
            process.kill()


def _user(url: str) -> tuple[str, str]:
    iam = boto3.client(
        "iam",
        endpoint_url=url,
        aws_access_key_id="anybody",
        aws_secret_access_key="nothing",
        region_name="us-east-1",
    )
    iam.create_user(UserName="tester")
    made = iam.create_access_key(UserName="tester")["AccessKey"]
    iam.put_user_policy(UserName="tester", PolicyName="all", PolicyDocument=json.dumps(_POLICY))
    return made["AccessKeyId"], made["SecretAccessKey"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        assert process.poll() is None, "the S3 server ended at its start"
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/moto-api/", timeout=2):
            return
        time.sleep(0.1)
    message = "the S3 server never answered"
    raise AssertionError(message)


class Line:
    """A TCP relay in front of a server, which can be cut in the middle and mended.

    Parameters
    ----------
    url : str
        The server's.
    """

    def __init__(self, url: str) -> None:
        host, port = url.removeprefix("http://").split(":")
        self._goal = (host, int(port))
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._cut_at: int | None = None
        self._seconds = 0.0
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.carried = 0
        self.cuts = 0
        self._down_until = 0.0
        self._start(self._accept)

    def cut_after(self, carried: int, seconds: float = 0.5) -> None:
        """Cut the line when so many more bytes went over it, for so long."""
        with self._lock:
            self._cut_at = self.carried + carried
            self._seconds = seconds

    def close(self) -> None:
        """Cut it for good."""
        for end in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        for end in (self._listener, *self._sockets):
            end.close()

    def _start(self, work: Callable[..., None], *arguments: socket.socket) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if time.monotonic() < self._down_until:
                near.close()
                continue
            far = socket.create_connection(self._goal)
            self._sockets += [near, far]
            self._start(self._relay, near, far)
            self._start(self._relay, far, near)

    def _relay(self, source: socket.socket, goal: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while block := source.recv(65_536):
                goal.sendall(block)
                self._count(len(block))
        for end in (source, goal):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _count(self, carried: int) -> None:
        with self._lock:
            self.carried += carried
            if self._cut_at is None or self.carried < self._cut_at:
                return
            self._cut_at = None
            self.cuts += 1
            self._down_until = time.monotonic() + self._seconds
        for end in self._sockets:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
