"""A small real HTTP server that keeps what agents send, with the exactly-once rule of the real one."""

import gzip
import json
import threading
from array import array
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

from epochwatch.model.batch import Batch, Committed, Progress, Registered, Registration


class KeepingServer:
    """Serves on ``port`` between start() and stop(); what it has committed outlives its stops."""

    def __init__(self) -> None:
        self.registrations: dict[str, Registration] = {}
        self.lines: dict[str, list[tuple[int, int, str]]] = {}
        self.points: dict[str, list[tuple[int, str, int, float, int]]] = {}
        self.samples: dict[str, list[tuple[int, str, float]]] = {}
        self.progress: list[Progress] = []
        self.batches = 0
        self.forget_answers = 0
        """How many further batches are committed but not answered."""
        self.refuse = 0
        """HTTP status with which batches are refused; 0 accepts them."""
        self.port = 0
        self._server: ThreadingHTTPServer | None = None
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> "KeepingServer":
        keeper = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.answer(200, json.dumps({"status": "ok"}).encode())

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                with keeper._lock:
                    status, answer = keeper._take(self.path, body)
                if status == 0:
                    self.close_connection = True
                    return
                self.answer(status, answer)

            def answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, *_: Any) -> None:
                pass  # agents are killed in the middle of requests

        self._server = Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self) -> "KeepingServer":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def messages(self, file: str = ".log") -> list[str]:
        """All lines of the sources whose id ends so, in order."""
        return [
            text for source in sorted(self.lines) if source.endswith(file) for _, _, text in self.lines[source]
        ]

    def values(self, name: str) -> list[float]:
        return [
            value for source in sorted(self.points) for _, one, _, value, _ in self.points[source] if one == name
        ]

    def steps(self, name: str) -> list[int]:
        return [
            step for source in sorted(self.points) for _, one, step, _, _ in self.points[source] if one == name
        ]

    def final(self) -> Progress:
        return self.progress[-1]

    def _take(self, path: str, body: bytes) -> tuple[int, bytes]:
        if path == "/_/agent/registrations":
            registration = msgspec.msgpack.decode(body, type=Registration)
            self.registrations[registration.run_id] = registration
            name = registration.name
            answer: msgspec.Struct | dict[str, object] = Registered(
                name, f"arn:{name}", "g", "s", "1", "r", f"{self.url}/_/jobs/{name}"
            )
        elif path == "/_/agent/progress":
            self.progress.append(msgspec.msgpack.decode(body, type=Progress))
            answer = {}
        else:
            if self.refuse:
                return self.refuse, json.dumps({"code": "No", "message": "not like this"}).encode()
            batch = msgspec.msgpack.decode(body, type=Batch)
            if batch.run_id not in self.registrations:
                return 404, json.dumps({"code": "UnknownRun", "message": "register first"}).encode()
            answer = Committed(self._commit(batch))
            if self.forget_answers:
                self.forget_answers -= 1
                return 0, b""
        return 200, msgspec.msgpack.encode(answer)

    def _commit(self, batch: Batch) -> dict[str, int]:
        self.batches += 1
        positions: dict[str, int] = {}
        for events in batch.log_events:
            kept = self.lines.setdefault(events.source, [])
            columns = (array("Q", events.positions), array("q", events.timestamps), events.messages)
            rows = list(zip(*columns, strict=True))
            self._append(kept, rows, positions, events.source)
        for points in batch.run_points:
            kept_points = self.points.setdefault(points.source, [])
            named = [points.names[number] for number in array("I", points.metrics)]
            point_columns = (
                array("Q", points.positions),
                named,
                array("q", points.steps),
                array("d", points.values),
                array("q", points.timestamps),
            )
            self._append(kept_points, list(zip(*point_columns, strict=True)), positions, points.source)
        for samples in batch.samples:
            kept_samples = self.samples.setdefault(samples.source, [])
            named = [samples.names[number] for number in array("I", samples.metrics)]
            sample_columns = (array("Q", samples.positions), named, array("d", samples.values))
            self._append(kept_samples, list(zip(*sample_columns, strict=True)), positions, samples.source)
        return positions

    @staticmethod
    def _append(kept: list[Any], rows: list[Any], positions: dict[str, int], source: str) -> None:
        committed = kept[-1][0] if kept else 0
        assert [row[0] for row in rows] == sorted(row[0] for row in rows), "positions must not decrease"
        kept.extend(row for row in rows if row[0] > committed)
        positions[source] = max(positions.get(source, 0), kept[-1][0] if kept else 0)
