"""The template for a VM: found, or made at first use, once however many processes want it."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from era_kernel.errors import EraError
from era_kernel.images.cache import cache_folder, making
from era_kernel.languages import find_language
from era_kernel.launchers.base import Launcher
from era_kernel.models import VmRecord
from era_kernel.progress import Report, Stage, Step
from era_kernel.templates.prune import LIMIT, prune
from era_kernel.templates.template import Template, load, template_key

log = logging.getLogger(__name__)

FAILURE_KEPT = 600.0
"""Seconds for which a template that could not be made is not tried again: each try takes longer than a boot."""


def templates_folder() -> Path:
    """Where templates are kept, made if it is not there. ImageError when it cannot be."""
    return cache_folder("templates")


def obtain(launcher: Launcher, record: VmRecord, report: Report) -> Template | None:
    """The template from which VMs like `record` start, made if there is none. None when there can be none.

    Why it could not be made goes to `report`: the VM boots then.
    """
    fingerprint = launcher.fingerprint(record)
    if fingerprint is None:
        return None
    key = template_key(fingerprint, find_language(record.spec.language).warm)
    folder = templates_folder() / key
    found = load(folder)
    if found is None and not _failed_lately(folder):
        found = _make(launcher, record, folder, report)
    if found is not None:
        found.note_use()
    return found


def _make(launcher: Launcher, record: VmRecord, folder: Path, report: Report) -> Template | None:
    from era_kernel.loop import run_async
    from era_kernel.templates.build import build

    try:
        with making(folder, lambda target: load(target) is not None) as place:
            if place is not None:
                made = f"making a template for {record.spec.language} VMs of {record.spec.mem} MiB (once)"
                report(Step(Stage.BOOT, made))
                place.mkdir()
                run_async(lambda: build(launcher, record, place, report))
    except (EraError, TimeoutError, OSError) as error:
        log.warning("no template could be made: %s", error, exc_info=True)
        report(f"no template could be made, so VMs boot, which takes longer: {error}")
        _remember_failure(folder)
        return None
    prune(LIMIT, keep=folder.name)
    return load(folder)


def _failure(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.failed")


def _failed_lately(folder: Path) -> bool:
    try:
        return time.time() - _failure(folder).stat().st_mtime < FAILURE_KEPT
    except FileNotFoundError:
        return False


def _remember_failure(folder: Path) -> None:
    try:
        _failure(folder).touch()
    except OSError:
        log.warning("that no template could be made is not remembered")
