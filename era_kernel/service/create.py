"""A VM made and brought up, or nothing made at all."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import threading
import time

from era_kernel import process
from era_kernel.errors import EraError, ImageError, UnknownVmError, VmStateError
from era_kernel.launchers.base import Launcher
from era_kernel.launchers.choose import choose_launcher
from era_kernel.models import Purpose, VmRecord
from era_kernel.progress import Report
from era_kernel.service.context import Context
from era_kernel.service.first_start import start_new
from era_kernel.service.limits import Request
from era_kernel.service.locks import vm_lock
from era_kernel.service.remove import remove_vm

log = logging.getLogger(__name__)


class CancelledCreationError(VmStateError):
    """Whoever wanted the VM no longer does."""


def create_vm(context: Context, request: Request, cancelled: threading.Event | None = None) -> VmRecord:
    """Make a VM and bring it up. When that fails, or `cancelled` is set between two steps, nothing of it stays.

    Raises LauncherError, ImageError, ToolError, BootError, RegistryError, StateFolderError.
    """
    launcher = choose_launcher(context.runtime)
    image, digest = choose_image(request, launcher, context.report)
    record = new_record(request, launcher, image, digest)
    with vm_lock(context.state, record.id):
        try:
            context.repository.add(record)
            if record.spec.persist:
                context.state.vm(record.id).persist.mkdir(mode=0o700, exist_ok=True)
            ready = start_new(context, record, launcher)
            _stop_if(cancelled)
        except BaseException:
            _undo(context, record)
            raise
    return ready


def choose_image(request: Request, launcher: Launcher, report: Report) -> tuple[str, str]:
    """(reference, digest) of the image asked for, else of the language's local one, else of its public one.

    Raises ImageError, ToolError.
    """
    if request.image is not None:
        return request.image, launcher.resolve(request.image, report)
    language = request.language
    try:
        return language.local_image, launcher.resolve(language.local_image, report)
    except ImageError:
        return language.public_image, launcher.resolve(language.public_image, report)


def new_record(request: Request, launcher: Launcher, image: str, digest: str) -> VmRecord:
    temporary = request.purpose is Purpose.TEMP
    return VmRecord(
        id=f"{request.language.name}-{secrets.token_hex(4)}",
        spec=request.spec(image),
        purpose=request.purpose,
        launcher=launcher.name,
        digest=digest,
        created=time.time(),
        owner=process.identify(os.getpid()) if temporary else None,
    )


def _stop_if(cancelled: threading.Event | None) -> None:
    if cancelled is not None and cancelled.is_set():
        raise CancelledCreationError("The VM is no longer wanted")


def _undo(context: Context, record: VmRecord) -> None:
    """Remove what was made so far. What cannot be removed now is removed by the next look at the VMs."""
    try:
        with contextlib.suppress(UnknownVmError):
            remove_vm(context, context.repository.get(record.id))
    except (EraError, OSError) as error:
        log.warning("What was made of %s could not be removed yet: %s", record.id, error)
