"""Records of an event file, as TFRecord frames them: a length, a payload, and a checksum of each."""

import struct
from functools import lru_cache
from typing import Final, Literal

from epochwatch.debugger.exceptions import SMDebugRuntimeError

Buffer = bytes | memoryview
Check = Literal["minimal", "full", "none"]
"""``minimal``: length and the constant that smdebug writes for a checksum; ``full``: real checksums; ``none``."""

HEADER: Final = struct.Struct("<QI")
FOOTER: Final = struct.Struct("<I")


def _crc32c_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
        table.append(crc)
    return tuple(table)


_TABLE: Final = _crc32c_table()


def masked_crc32c(data: Buffer) -> int:
    """TensorFlow's masked CRC-32C."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


CONSTANT_FOOTER: Final = masked_crc32c(b"0x12345678")
CONSTANT_FOOTER_BYTES: Final = FOOTER.pack(CONSTANT_FOOTER)
"""What smdebug writes behind each payload instead of its checksum."""


@lru_cache(maxsize=65536)
def header_of(length: int) -> bytes:
    """What stands before a payload of so many bytes."""
    return HEADER.pack(length, masked_crc32c(struct.pack("<Q", length)))


def frame(payload: bytes, check: Check = "minimal") -> bytes:
    """A record: length, its checksum, payload, and smdebug's constant or (``full``) the real checksum."""
    footer = FOOTER.pack(masked_crc32c(payload)) if check == "full" else CONSTANT_FOOTER_BYTES
    return header_of(len(payload)) + payload + footer


def payload_at(data: Buffer, start: int = 0, check: Check = "minimal") -> tuple[int, int] | None:
    """(begin, end) of the payload of the record at ``start``; None for a record that was torn off.
    Raises SMDebugRuntimeError where the checksums do not hold.
    """
    begin = start + HEADER.size
    if begin > len(data):
        return None
    length, length_crc = HEADER.unpack_from(data, start)
    if check != "none" and data[start:begin] != header_of(length):
        raise SMDebugRuntimeError(f"the record at byte {start} has a wrong checksum of its length: {length_crc}")
    end = begin + length
    if end + FOOTER.size > len(data):
        return None
    if check != "none":
        expected = CONSTANT_FOOTER if check == "minimal" else masked_crc32c(data[begin:end])
        found = FOOTER.unpack_from(data, end)[0]
        if found != expected:
            raise SMDebugRuntimeError(f"the record at byte {start} has checksum {found}, expected {expected}")
    return begin, end
