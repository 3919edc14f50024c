"""Records to fill a registry with."""

from __future__ import annotations

from typing import Any

import msgspec

from era_kernel.models import Purpose, VmRecord, VmSpec


def vm_id(number: int) -> str:
    return f"python-{number:08x}"


def record(number: int, **changes: Any) -> VmRecord:
    made = VmRecord(
        id=vm_id(number),
        spec=VmSpec("python", "localhost/era/python"),
        purpose=Purpose.USER,
        launcher="qemu",
        digest="sha256:" + "0" * 64,
        created=float(number),
    )
    return msgspec.structs.replace(made, **changes)
