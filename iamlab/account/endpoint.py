"""HTTP on loopback: the same gate for the AWS CLI, other SDKs and any other program."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from iamlab.account.gate import NotInTheLab
from iamlab.account.wire import HttpRequest, lower_headers

if TYPE_CHECKING:
    from collections.abc import Callable

    from iamlab.account.errors import Response

# Everything is kept in memory. Big files come in parts, as the CLI and the SDKs send them.
LARGEST_BODY = 512 * 1024 * 1024  # bytes
# Moto's answers say some things that are this server's to say. No page of another site may read
# an answer, whatever a bucket's own CORS rules allow.
_NOT_PASSED_ON = ("content-length", "transfer-encoding", "connection", "server", "date")
_CORS = "access-control-"


class Endpoint:
    """A server on 127.0.0.1 that hands every request to the gate.

    Only programs on this computer reach it. A page in a browser that was tricked into calling
    127.0.0.1 under another name (DNS rebinding) is turned away by the name.

    Parameters
    ----------
    handle : callable
        The gate.
    port : int
        0 takes a free one.

    Attributes
    ----------
    url : str
        Where it listens, such as ``"http://127.0.0.1:40123"``.

    Raises
    ------
    OSError
        If the port is taken.
    """

    def __init__(self, handle: Callable[[HttpRequest], Response], port: int = 0) -> None:
        self._server = _Server(("127.0.0.1", port), _handler(handle))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="iamlab-endpoint", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop listening, and hang up on those who are still connected."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, *args: Any) -> None:
        self._connected: set[socket.socket] = set()
        super().__init__(*args)

    def server_bind(self) -> None:
        # http.server would ask DNS for this machine's name: slow, and a packet that leaves.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connected.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connected.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        super().server_close()
        for connection in list(self._connected):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is nothing to print in the learner's notebook."""


class _Refused(Exception):
    """A request that is not worth the gate's time: the status, and why."""


def _handler(handle: Callable[[HttpRequest], Response]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _answer(self) -> None:
            try:
                request = self._request()
            except _Refused as refused:
                # What is left of the request is not read, so the connection is of no more use.
                self.close_connection = True
                status, text = refused.args
                self._send(status, {"content-type": "text/plain"}, text.encode())
                return
            if request is None:
                self.close_connection = True
                return
            try:
                answer = handle(request)
            except NotInTheLab as problem:
                answer = 501, {"content-type": "text/plain"}, str(problem).encode()
            except Exception as problem:
                text = f"The lab failed, which is a fault of the lab: {problem!r}"
                answer = 500, {"content-type": "text/plain"}, text.encode()
            self._send(*answer)

        def _request(self) -> HttpRequest | None:
            """Read the whole request; None if the client hung up before its end."""
            host = self.headers.get_all("host") or [""]
            name = host[0].partition(":")[0].lower()
            own = name in ("127.0.0.1", "localhost") or name.endswith(".localhost")
            if len(host) != 1 or not own:
                raise _Refused(403, "This server answers only as 127.0.0.1 or localhost.")
            if not self.path.startswith("/"):
                raise _Refused(400, "The path must begin with /.")
            headers = lower_headers(self.headers)
            body = self._body(headers)
            if body is None:
                return None
            url = f"http://{host[0]}{self.path}"
            return HttpRequest(self.command, url, headers, body, self.client_address[0])

        def handle_expect_100(self) -> bool:
            return True  # said in _body, once it is known that the body will be read

        def _body(self, headers: dict[str, str]) -> bytes | None:
            coding, length = headers.get("transfer-encoding"), headers.get("content-length", "0")
            if coding is not None and (coding.lower() != "chunked" or "content-length" in headers):
                raise _Refused(400, f"The lab cannot read a body with {coding!r} and a length.")
            if not (length.isascii() and length.isdigit()):
                raise _Refused(400, f"Content-Length is {length!r}, which is not a number.")
            self._within_limit(int(length))
            if headers.get("expect", "").lower() == "100-continue":
                self.send_response_only(100)
                self.end_headers()
            if coding is not None:
                return self._chunks()
            body = self.rfile.read(int(length))
            return body if len(body) == int(length) else None

        def _chunks(self) -> bytes | None:
            parts, total = [], 0
            while True:
                line = self.rfile.readline(1024).partition(b";")[0].strip()
                if not line:
                    return None
                if not all(letter in b"0123456789abcdefABCDEF" for letter in line):
                    raise _Refused(400, "The size of a chunk is not a number.")
                size = int(line, 16)
                if not size:
                    break
                total += size
                self._within_limit(total)
                part = self.rfile.read(size)
                if len(part) != size or self.rfile.readline(3) != b"\r\n":
                    return None
                parts.append(part)
            while self.rfile.readline(65536).strip():  # trailers
                pass
            return b"".join(parts)

        def _within_limit(self, size: int) -> None:
            if size > LARGEST_BODY:
                most = LARGEST_BODY // 1024**2
                raise _Refused(413, f"The lab takes at most {most} MiB in one request.")

        def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            head = self.command == "HEAD"
            for name, value in headers.items():
                low = name.lower()
                # A HEAD request asks how long the body would be; only moto knows.
                passed = low not in _NOT_PASSED_ON or (head and low == "content-length")
                if passed and not low.startswith(_CORS):
                    text = " ".join(value.splitlines())
                    self.send_header(name, text.encode().decode("latin-1"))
            if not (head and any(name.lower() == "content-length" for name in headers)):
                self.send_header("content-length", str(len(body)))
            if self.close_connection:
                self.send_header("connection", "close")
            self.end_headers()
            if not head:
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing on the learner's screen."""

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_OPTIONS = _answer

    return Handler
