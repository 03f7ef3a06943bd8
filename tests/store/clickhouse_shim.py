"""ClickHouse's HTTP interface over the embedded engine, for clients that speak to a server.

Prints its port. The engine and the SQL are the real ones; users, sessions and settings of a request are not minded.
"""

import re
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import chdb

_INSERT = re.compile(r"\s*(INSERT\s+INTO\s.+?)\s+FORMAT\s+(\w+)\s*$", re.IGNORECASE | re.DOTALL)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    connection_lock = threading.Lock()
    engine: "chdb.state.sqlitelike.Connection"

    def do_GET(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            body = self._chunks()
        query = parse_qs(urlsplit(self.path).query).get("query", [""])[0]
        try:
            answer = self._insert(query, body) if query else self._run(body.decode())
        except Exception as error:  # noqa: BLE001  # whatever it is, the client is told
            self._answer(500, str(error).encode(), {"X-ClickHouse-Exception-Code": "1"})
        else:
            self._answer(200, answer, {})

    def _insert(self, query: str, body: bytes) -> bytes:
        parts = _INSERT.fullmatch(query)
        if parts is None:
            return self._run(query + body.decode())
        with tempfile.NamedTemporaryFile(suffix=".rows") as rows:
            Path(rows.name).write_bytes(body)
            return self._run(f"{parts[1]} FROM INFILE '{rows.name}' FORMAT {parts[2]}")

    def _run(self, sql: str) -> bytes:
        with self.connection_lock:
            return self.engine.query(sql, "TabSeparated").bytes() or b""

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main(directory: str) -> None:
    Handler.engine = chdb.connect(f"{directory}?max_query_size=67108864")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])
