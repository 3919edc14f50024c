"""The registry of VMs, as everything else sees it."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from typing import Any

import msgspec
from tinydb import TinyDB, where
from tinydb.table import Table

from era_kernel.atomic import sync_folder, write_atomic, write_errors
from era_kernel.errors import RegistryError, UnknownVmError
from era_kernel.models import VmRecord
from era_kernel.paths import StatePaths
from era_kernel.store.records import TABLE, parse_tables
from era_kernel.store.recovery import recorded_in_folders, set_aside, warn_recovered
from era_kernel.store.storage import LOCK_TIMEOUT, CorruptRegistryError, RegistryStorage, Tables

FRESH = ".new"
"""The name of a VM's folder until it is whole; one that a killed process left is made anew."""


class VmRepository:
    """Records of VMs, shared by all processes of a user; threads may share one repository.

    Each method is one transaction: it sees and leaves the registry whole, and what it returned from is on disk. A
    registry that is lost or cannot be read is set aside and rebuilt, with a warning, by whichever method meets it. All
    methods raise RegistryError when the registry cannot be used.
    """

    def __init__(self, state: StatePaths, lock_timeout: float = LOCK_TIMEOUT) -> None:
        self._state = state
        self._storage = RegistryStorage(state.registry, lock_timeout)

    def all(self) -> list[VmRecord]:
        """All records, in the order in which they were added."""
        with self._storage.lock():
            return list(self._load().values())

    def get(self, vm_id: str) -> VmRecord:
        """One record. Raises UnknownVmError."""
        with self._storage.lock():
            return _known(self._load(), vm_id)

    def add(self, record: VmRecord) -> None:
        """Keep a new VM and make its folder (0700). RegistryError when its id is taken already."""
        document = _document(record)
        with self._transaction() as (table, records):
            folder = self._state.vm(record.id).folder
            if record.id in records or folder.exists():
                raise RegistryError(f"There is a VM {record.id!r} already")
            self._make_folder(record)
            try:
                table.insert(document)
            except BaseException:
                shutil.rmtree(folder)
                raise

    def _make_folder(self, record: VmRecord) -> None:
        """A VM's folder appears with the copy of its record in it: without one, nobody would know whose it is."""
        paths = self._state.vm(record.id)
        fresh = self._state.vms / FRESH
        with write_errors(paths.folder, RegistryError):
            if fresh.exists():
                shutil.rmtree(fresh)
            fresh.mkdir(mode=0o700)
            write_atomic(fresh / paths.record.name, msgspec.json.encode(record))
            fresh.rename(paths.folder)
            sync_folder(self._state.vms)

    def update(self, vm_id: str, **changes: Any) -> VmRecord:
        """Change some fields of a VM's record and give the whole. Raises UnknownVmError."""
        with self._transaction() as (table, records):
            record = msgspec.structs.replace(_known(records, vm_id), **changes)
            document = _document(record)
            self._write_copy(record)
            table.update(document, where("id") == vm_id)
            return record

    def remove(self, vm_id: str) -> None:
        """Forget a VM, and the copy in its folder; an unknown one is no error."""
        with self._transaction() as (table, records):
            if vm_id in records:
                copy = self._state.vm(vm_id).record
                with write_errors(copy, RegistryError):
                    copy.unlink(missing_ok=True)
                table.remove(where("id") == vm_id)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[tuple[Table, dict[str, VmRecord]]]:
        """The table to write to and the records in it, under the lock.

        The database is opened anew each time: TinyDB remembers the next document number, which another process may
        have used since.
        """
        with self._storage.lock():
            records = self._load()
            with TinyDB(storage=lambda: self._storage) as database:
                yield database.table(TABLE), records

    def _load(self) -> dict[str, VmRecord]:
        """The records, from the registry or, when that is of no use, from the VMs' folders."""
        reason = "it was missing"
        aside = None
        try:
            tables = self._storage.read()
            if tables is not None:
                return parse_tables(tables)
            found = recorded_in_folders(self._state)
            if not found:
                return {}
        except CorruptRegistryError as error:
            reason = str(error)
            found = recorded_in_folders(self._state)
            aside = set_aside(self._state.registry)
        rebuilt: Tables = {TABLE: {str(number): _document(record) for number, record in enumerate(found, 1)}}
        self._storage.write(rebuilt)
        warn_recovered(self._state.registry, reason, aside, len(found))
        return {record.id: record for record in found}

    def _write_copy(self, record: VmRecord) -> None:
        """Written before the registry: a copy is never older than the record that it stands for."""
        path = self._state.vm(record.id).record
        with (
            write_errors(path, RegistryError),
            contextlib.suppress(FileNotFoundError),
        ):  # the folder of a VM that is being removed
            write_atomic(path, msgspec.json.encode(record))


def _known(records: dict[str, VmRecord], vm_id: str) -> VmRecord:
    try:
        return records[vm_id]
    except KeyError:
        raise UnknownVmError(vm_id) from None


def _document(record: VmRecord) -> dict[str, Any]:
    """A record as TinyDB keeps it. msgspec.ValidationError for one that could not be read again."""
    document: dict[str, Any] = msgspec.to_builtins(record)
    msgspec.convert(document, VmRecord)
    return document
