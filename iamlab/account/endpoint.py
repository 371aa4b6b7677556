"""The lab on loopback: the same gate over HTTP, for the AWS CLI and other programs."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from iamlab.account.gate import NotInTheLab
from iamlab.account.wire import HttpRequest, lower_headers

if TYPE_CHECKING:
    from collections.abc import Callable

    from iamlab.account.errors import Response

# Names under which this server answers. A page in a browser that was tricked into calling
# 127.0.0.1 under another name (DNS rebinding) is turned away.
_OWN_NAMES = {"127.0.0.1", "localhost", "[::1]"}


class Endpoint:
    """A server on 127.0.0.1 that hands every request to the gate.

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
    """

    def __init__(self, handle: Callable[[HttpRequest], Response], port: int = 0) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(handle))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="iamlab-endpoint", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(handle: Callable[[HttpRequest], Response]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _answer(self) -> None:
            headers = lower_headers(self.headers)
            host = headers.get("host", "").rpartition(":")[0] or headers.get("host", "")
            body = self._body(headers)
            if host not in _OWN_NAMES and not host.endswith(".localhost"):
                self._send(403, {}, b"This server answers only as 127.0.0.1 or localhost.")
                return
            request = HttpRequest(
                self.command,
                f"http://{headers['host']}{self.path}",
                headers,
                body,
                self.client_address[0],
            )
            try:
                self._send(*handle(request))
            except NotInTheLab as problem:
                self._send(501, {"content-type": "text/plain"}, str(problem).encode())

        def _body(self, headers: dict[str, str]) -> bytes:
            if headers.get("expect", "").lower() == "100-continue":
                self.send_response_only(100)
                self.end_headers()
            if headers.get("transfer-encoding", "").lower() == "chunked":
                parts = []
                while size := int(self.rfile.readline().split(b";")[0] or b"0", 16):
                    parts.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(parts)
            return self.rfile.read(int(headers.get("content-length") or 0))

        def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            given = {name.lower() for name in headers}
            for name, value in headers.items():
                if name.lower() not in ("transfer-encoding", "connection", "server", "date"):
                    self.send_header(name, value)
            if "content-length" not in given:
                self.send_header("content-length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing on the learner's screen."""

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_OPTIONS = _answer

    return Handler
