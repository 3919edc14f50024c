"""A quick look at the registry for those in a hurry: no lock, no TinyDB, nothing put right.

The registry is replaced whole, so what is read was true at some moment. Whether it still is, only the VM can tell.
"""

from __future__ import annotations

import msgspec

from era_kernel.models import VmRecord
from era_kernel.paths import StatePaths

_decoder = msgspec.json.Decoder(dict[str, dict[str, VmRecord]])


def peek(state: StatePaths) -> list[VmRecord]:
    """The records in the order in which they were made; none where there is no registry that can be read."""
    try:
        tables = _decoder.decode(state.registry.read_bytes())
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    return [record for table in tables.values() for record in table.values()]
