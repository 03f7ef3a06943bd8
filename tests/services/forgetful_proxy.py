"""A proxy that passes requests on, and loses the first answer to each operation: clients must ask again."""

import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@contextmanager
def forgetful_proxy(target: str) -> Iterator[tuple[str, list[str]]]:
    """Its URL, and the operations whose answers it has lost."""
    lost: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            request = urllib.request.Request(f"{target}{self.path}", body, dict(self.headers.items()))
            with urllib.request.urlopen(request) as answer:
                content, headers = answer.read(), answer.headers
            operation = self.headers["X-Amz-Target"]
            if operation not in lost:
                lost.append(operation)
                self.close_connection = True
                return
            self.send_response(200)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", lost
        server.shutdown()
