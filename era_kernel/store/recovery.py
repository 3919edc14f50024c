"""What becomes of a registry that is lost or cannot be read: it is built again from the copies in the VMs' folders."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import msgspec

from era_kernel.atomic import sync_folder, write_errors
from era_kernel.errors import RegistryError
from era_kernel.models import VmRecord
from era_kernel.paths import StatePaths
from era_kernel.store.records import parse_record
from era_kernel.store.storage import CorruptRegistryError

log = logging.getLogger(__name__)


def recorded_in_folders(state: StatePaths) -> list[VmRecord]:
    """The records of which a VM's folder holds a copy, oldest first; a copy that cannot be used is warned of.

    Raises RegistryError when a newer era_kernel wrote one.
    """
    found: list[VmRecord] = []
    for path in sorted(state.vms.glob("[!.]*/record.json")):
        try:
            record = parse_record(msgspec.json.decode(path.read_bytes()))
            if record.id != path.parent.name:
                raise CorruptRegistryError(f"it is of {record.id}")
        except (OSError, msgspec.DecodeError, UnicodeDecodeError, CorruptRegistryError) as error:
            log.warning("The VM in %s is left out of the registry, its record cannot be read: %s", path.parent, error)
        else:
            found.append(record)
    return sorted(found, key=lambda record: record.created)


def set_aside(path: Path) -> Path:
    """Give a registry that cannot be read another name, which it keeps for ever. RegistryError when that fails."""
    stamp = time.strftime("%Y%m%dT%H%M%S")
    names = (f"{path.name}.corrupt-{stamp}{suffix}" for suffix in ("", *(f"-{n}" for n in range(2, 1000))))
    aside = next(free for name in names if not (free := path.with_name(name)).exists())
    with write_errors(path, RegistryError):
        path.rename(aside)
        sync_folder(path.parent)
    return aside


def warn_recovered(path: Path, reason: str, aside: Path | None, count: int) -> None:
    kept = f" What was there is kept as {aside}." if aside else ""
    vms = "1 VM" if count == 1 else f"{count} VMs"
    log.warning("The registry %s was rebuilt, because %s.%s Recovered: %s.", path, reason, kept, vms)
