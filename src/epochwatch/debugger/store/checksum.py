"""The checksum of what is stored: zlib's CRC-32.

zlib-ng reckons it with the processor's own instructions, at ten times the speed. A training's environment may lack it:
what saves tensors there takes Python's.
"""

try:
    from zlib_ng.zlib_ng import crc32
except ImportError:
    from zlib import crc32

__all__ = ["crc32"]
