"""A gateway with operations made up by the test, served by a real uvicorn on a free port."""

import contextlib
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import uvicorn
from botocore.model import Shape
from starlette.responses import PlainTextResponse

from epochwatch.gateway import shapes
from epochwatch.gateway.app import Gateway
from epochwatch.gateway.authentication import Authenticator, Identity
from epochwatch.gateway.models import service_model
from epochwatch.gateway.operations import Operations

ACCESS_KEY = "AKIATESTTESTTESTTEST"
SECRET = "secret-of-the-test"
ACCOUNT = "111122223333"
SERVICES = ("cloudwatch", "logs", "sagemaker", "sagemaker-metrics", "sts")

Operation = Callable[[Any, dict[str, Any]], dict[str, Any] | None]


class EchoServer:
    """Operations answer what the test put into ``answers``; what they were given stands in ``seen``."""

    def __init__(self, *, verify: bool = True) -> None:
        self.answers: dict[tuple[str, str], Any] = {}
        self.seen: dict[tuple[str, str], dict[str, Any]] = {}
        self.identities: list[Identity] = []
        self.now: float | None = None
        authenticator = Authenticator(lambda key: (SECRET, ACCOUNT) if key == ACCESS_KEY else None, verify=verify)
        self.gateway = Gateway(
            Operations(
                {service: self._operations(service) for service in SERVICES},
                lambda identity, request_id, now, attempt: self.identities.append(identity),
            ),
            authenticator,
            PlainTextResponse("inner"),
            clock=lambda: time.time() if self.now is None else self.now,
        )

    def _operations(self, service: str) -> Mapping[str, Operation]:
        return {name: self._operation(service, name) for name in service_model(service).operation_names}

    def _operation(self, service: str, name: str) -> Operation:
        def operation(_: Any, request: dict[str, Any]) -> dict[str, Any] | None:
            self.seen[service, name] = request
            answer = self.answers.get((service, name))
            if isinstance(answer, Exception):
                raise answer
            return answer

        return operation

    @contextlib.contextmanager
    def running(self) -> Iterator[str]:
        """The server's URL while it runs."""
        server = uvicorn.Server(
            uvicorn.Config(self.gateway, host="127.0.0.1", port=0, log_config=None, lifespan="off")
        )
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
            self.gateway.close()


def example(shape: Shape, depth: int = 0) -> Any:
    """A value that satisfies every constraint of a shape, timestamps in Unix seconds."""
    kind = shape.type_name
    low = int(shape.metadata.get("min") or 0)
    if kind == "structure":
        if depth > 8:
            return {}
        wanted = shape.members if depth < 4 else {name: shape.members[name] for name in shape.required_members}
        wanted = wanted or dict(list(shape.members.items())[:1])  # a form cannot carry an empty structure
        if getattr(shape, "is_tagged_union", False):
            wanted = dict(list(wanted.items())[:1])
        return {name: example(member, depth + 1) for name, member in wanted.items()}
    if kind == "list":
        return [example(shape.member, depth + 1)] * max(low, 1)
    if kind == "map":
        key = example(shape.key, depth + 1)
        return {key + "a" * number: example(shape.value, depth + 1) for number in range(max(low, 1))}
    if kind in ("integer", "long"):
        return max(low, 1)
    if kind in ("float", "double"):
        return float(max(low, 1)) + (0.5 if shape.metadata.get("max") is None else 0)
    if kind == "timestamp":
        return 1_767_323_045.0
    if kind == "blob":
        return b"\x00\xff" * max(low, 1)
    if kind == "boolean":
        return True
    return _text(shape, low)


def _text(shape: Shape, low: int) -> str:
    if getattr(shape, "enum", None):
        return str(shape.enum[0])
    pattern = shape.metadata.get("pattern")
    if pattern is None:
        return "a" * max(low, 1)
    compiled = shapes.compiled_pattern(pattern)
    if compiled is None:
        return "a" * max(low, 1)
    for repeats in range(max(low, 1), max(low, 1) + 64):  # longer and longer until it is long enough
        try:
            text = _matching(re._parser.parse(pattern), repeats)  # type: ignore[attr-defined]
        except re.error:  # Unicode classes: letters belong to them
            text = "a" * repeats
        if len(text) >= low and compiled.fullmatch(text):
            return text
    return "a" * max(low, 1)


def _matching(parsed: Any, repeats: int) -> str:
    """A text that a parsed regular expression matches, its open repetitions ``repeats`` long where they may be."""
    return "".join(_piece(str(op), argument, repeats) for op, argument in parsed)


def _piece(op: str, argument: Any, repeats: int) -> str:
    if op == "LITERAL":
        return chr(argument)
    if op == "ANY":
        return "a"
    if op == "NOT_LITERAL":
        return "b" if argument == ord("a") else "a"
    if op == "IN":
        return _member(argument)
    if op in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        low, high, inner = argument
        return _matching(inner, 1) * max(low, min(high, repeats, 64 if repeats > 64 else repeats))
    if op == "SUBPATTERN":
        return _matching(argument[3], repeats)
    if op == "BRANCH":
        return _matching(argument[1][0], repeats)
    return ""


def _member(choices: list[tuple[Any, Any]]) -> str:
    """A character of a set."""
    negated = str(choices[0][0]) == "NEGATE"
    compiled = [(str(op), value) for op, value in choices if str(op) != "NEGATE"]
    for candidate in "a1/-. A_:" + "".join(map(chr, range(33, 127))):
        inside = any(_is_in(candidate, op, value) for op, value in compiled)
        if inside != negated:
            return candidate
    return "a"


def _is_in(character: str, op: str, value: Any) -> bool:
    if op == "LITERAL":
        return ord(character) == value
    if op == "RANGE":
        return bool(value[0] <= ord(character) <= value[1])
    classes = {
        "CATEGORY_DIGIT": character.isdigit(),
        "CATEGORY_NOT_DIGIT": not character.isdigit(),
        "CATEGORY_WORD": character.isalnum() or character == "_",
        "CATEGORY_NOT_WORD": not (character.isalnum() or character == "_"),
        "CATEGORY_SPACE": character.isspace(),
        "CATEGORY_NOT_SPACE": not character.isspace(),
    }
    return classes.get(str(value), False)
