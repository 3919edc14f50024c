"""From what TinyDB keeps to records and back, every record checked."""

from __future__ import annotations

import msgspec

from era_kernel.errors import RegistryError
from era_kernel.models import ProcessIdentity, VmRecord, VmSpec
from era_kernel.store.storage import CorruptRegistryError, Tables

TABLE = "vms"
_NESTED: dict[str, type[msgspec.Struct]] = {
    "spec": VmSpec,
    "shim": ProcessIdentity,
    "vmm": ProcessIdentity,
    "owner": ProcessIdentity,
}


def parse_tables(tables: Tables) -> dict[str, VmRecord]:
    """The records by id, in the order in which they were added.

    Raises CorruptRegistryError when one cannot be one of ours, RegistryError when a newer era_kernel wrote it.
    """
    if TABLE not in tables:
        raise CorruptRegistryError("it has no table of VMs")
    if len(tables) > 1:
        raise newer_version(f"a table {next(name for name in tables if name != TABLE)!r}")
    records: dict[str, VmRecord] = {}
    for number, document in tables[TABLE].items():
        if not number.isdecimal():
            raise CorruptRegistryError(f"it has a record with the number {number!r}")
        record = parse_record(document)
        if record.id in records:
            raise CorruptRegistryError(f"it has two records of {record.id}")
        records[record.id] = record
    return records


def parse_record(document: object) -> VmRecord:
    """One record. Raises as parse_tables does."""
    if unknown := _unknown_field(document, VmRecord):
        raise newer_version(f"a field {unknown!r}")
    try:
        return msgspec.convert(document, VmRecord)
    except msgspec.ValidationError as error:
        raise CorruptRegistryError(f"a record is wrong: {error}") from error


def _unknown_field(document: object, kind: type[msgspec.Struct]) -> str | None:
    """The first field of a document that its struct does not have."""
    if not isinstance(document, dict):
        return None
    for name, value in document.items():
        if name not in kind.__struct_fields__:
            return str(name)
        if kind is VmRecord and name in _NESTED and (inner := _unknown_field(value, _NESTED[name])):
            return f"{name}.{inner}"
    return None


def newer_version(what: str) -> RegistryError:
    return RegistryError(
        f"The registry has {what} that this version does not know: a newer era_kernel wrote it; nothing was changed",
        "Use that version, or set AGENT_STATE_DIR to another folder.",
    )
