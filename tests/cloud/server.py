"""A small threaded HTTP/1.1 server with keep-alive, on 127.0.0.1 only.

werkzeug's own server closes the connection after each answer, which makes thousands of small uploads slow, and it
cannot drop or truncate an answer on purpose.
"""

import re
import contextlib
import io
import socket
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Protocol

from cloud.http import Dropped, Request, Response


class Handler(Protocol):
    """What the server serves."""

    def handle(self, request: Request) -> Response:
        """Answer one request; raises `Dropped` to close the connection without an answer."""


class Server:
    """Listens on a port of 127.0.0.1 and hands each request to the handler, one thread a connection."""

    def __init__(self, make_handler: Callable[[str], Handler], port: int = 0) -> None:
        self._listener = socket.create_server(("127.0.0.1", port), backlog=256)
        self.endpoint = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._handler = make_handler(self.endpoint)

    def endpoints(self) -> dict[str, str]:
        """The addresses that tests and the action need."""
        return {
            "endpoint": self.endpoint,
            "github": f"{self.endpoint}/_github",
            "oidc": f"{self.endpoint}/_oidc/token",
            "control": f"{self.endpoint}/_cloud",
        }

    def serve(self) -> None:
        """Accept connections until `stop`."""
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve_connection, args=(connection,), daemon=True).start()

    def stop(self) -> None:
        """Stop accepting; `serve` returns. Safe to call from a signal handler or another thread."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self.close()

    def close(self) -> None:
        """Give up this process's hold on the port; a forked child that serves it goes on."""
        self._listener.close()

    def _serve_connection(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reader = connection.makefile("rb", buffering=65536)
        with connection, reader, contextlib.suppress(ConnectionError, Dropped, Malformed):
            while request := read_request(reader, connection):
                response = self._handler.handle(request)
                send(connection, response, request.method)
                if response.truncate or request.headers.get("connection", "").lower() == "close":
                    return


class Malformed(Exception):
    """What came is not HTTP/1.1."""


def read_request(reader: io.BufferedReader, connection: socket.socket) -> Request | None:
    """The next request of a connection; None at its end."""
    line = reader.readline()
    if not line:
        return None
    started = time.time()
    try:
        method, target, _ = line.decode("latin-1").split()
        # As a proxy is asked: https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2
        target = re.sub("^http://[^/]+", "", target)
    except ValueError as error:
        raise Malformed from error
    headers = _read_headers(reader)
    if headers.get("expect", "").lower() == "100-continue":
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = _read_chunks(reader)
    else:
        body = _read_exactly(reader, int(headers.get("content-length") or 0))
    return Request(method, target, headers, body, started)


def _read_headers(reader: io.BufferedReader) -> dict[str, str]:
    headers: dict[str, str] = {}
    while (line := reader.readline()) not in (b"\r\n", b"\n", b""):
        name, _, value = line.decode("latin-1").partition(":")
        name, value = name.lower(), value.strip()
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


def _read_chunks(reader: io.BufferedReader) -> bytes:
    body = bytearray()
    while size := int(reader.readline().split(b";")[0] or b"0", 16):
        body += _read_exactly(reader, size)
        reader.readline()
    _read_headers(reader)
    return bytes(body)


def _read_exactly(reader: io.BufferedReader, size: int) -> bytes:
    body = reader.read(size) if size else b""
    if len(body) < size:
        raise Malformed
    return body


def send(connection: socket.socket, response: Response, method: str) -> None:
    """Send an answer to a request of this method."""
    head, body = _encode(response, method)
    if response.truncate:
        head, body = (head, body[: len(body) // 2]) if body else (head[: len(head) // 2], b"")
    if response.bytes_per_second is None:
        connection.sendall(head + body)
        return
    if body:
        connection.sendall(head)
    for byte in body or head:
        time.sleep(1 / response.bytes_per_second)
        connection.sendall(bytes([byte]))


def _encode(response: Response, method: str) -> tuple[bytes, bytes]:
    length = len(response.body) if response.content_length is None else response.content_length
    lines = [f"HTTP/1.1 {response.status} {_reason(response.status)}"]
    lines += [f"{name}: {_one_line(value)}" for name, value in response.headers.items()]
    bodiless = method == "HEAD" or response.status in (204, 304)
    if response.status not in (204, 304):
        lines.append(f"content-length: {length}")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8")
    return head, b"" if bodiless else response.body


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _one_line(value: object) -> str:
    return str(value).replace("\r", " ").replace("\n", " ")
