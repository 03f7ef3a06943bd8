"""What SageMaker Debugger says of a machine: one value of one thing in a line of JSON."""

import contextlib

import msgspec

_NAMES = {
    "type": "Type",
    "name": "Name",
    "dimension": "Dimension",
    "value": "Value",
    "node_id": "NodeId",
    "timestamp": "Timestamp",
}


class ProfilerSystemEvent(msgspec.Struct, rename=_NAMES, omit_defaults=True, gc=False):
    """One value, in SageMaker Debugger's words."""

    type: str
    """``cpu``, ``gpu``, ``i/o``, ``memory`` or ``network``."""
    dimension: str
    """``CPUUtilization``, ``I/OWaitPercentage``, ..."""
    value: float
    """Percent; of the network bytes of the interval."""
    node_id: str
    """``algo-1``"""
    timestamp: float
    """Unix seconds."""
    name: str | None = None
    """``cpu0``; None for the network."""


_DECODER = msgspec.json.Decoder(ProfilerSystemEvent)
encoded = msgspec.json.Encoder().encode
"""An event's line, without its end."""


def events_in(data: bytes) -> list[ProfilerSystemEvent]:
    """The events of one file. A last line that is damaged, as one that is still being written, is left out.

    Raises ValueError with the number of any other line that is no event.
    """
    whole, _, rest = data.rstrip().rpartition(b"\n")
    try:
        found = _DECODER.decode_lines(whole)
    except msgspec.DecodeError:
        found = _one_by_one(whole)
    with contextlib.suppress(msgspec.DecodeError):
        found.append(_DECODER.decode(rest))
    return found


def _one_by_one(data: bytes) -> list[ProfilerSystemEvent]:
    found = []
    for number, line in enumerate(data.split(b"\n"), 1):
        if line.strip():
            try:
                found.append(_DECODER.decode(line))
            except msgspec.DecodeError as error:
                raise ValueError(f"line {number} is no system metric: {error}") from error
    return found
