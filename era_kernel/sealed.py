"""Bytes with a checksum before them: what was cut off, altered or half written is not taken for what it was."""

from __future__ import annotations


class SealError(Exception):
    """The bytes are not as they were sealed."""


def sealed(data: bytes) -> bytes:
    """`data` behind a line with its SHA-256."""
    return _checksum(data) + b"\n" + data


def unsealed(text: bytes) -> bytes:
    """What was sealed. Raises SealError."""
    checksum, _, data = text.partition(b"\n")
    if checksum != _checksum(data):
        raise SealError
    return data


def _checksum(data: bytes) -> bytes:
    import hashlib  # brings OpenSSL along, which a shim can do without until its VM is stopped

    return hashlib.sha256(data).hexdigest().encode()
