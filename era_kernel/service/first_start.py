"""A new VM's first start: from a template where there can be one, else by booting."""

from __future__ import annotations

import logging

from era_kernel.errors import SnapshotError
from era_kernel.launchers.base import Launcher
from era_kernel.models import VmRecord
from era_kernel.service.context import Context
from era_kernel.service.power import bring_up
from era_kernel.templates.obtain import obtain
from era_kernel.templates.template import Template, remove

log = logging.getLogger(__name__)

TRIES = 2
"""A template that cannot be taken up is thrown away and made again, once."""


def start_new(context: Context, record: VmRecord, launcher: Launcher) -> VmRecord:
    """Bring up a VM that has no disk yet. Raises as bring_up() and what preparing a VM raises."""
    for _ in range(TRIES):
        template = obtain(launcher, record, context.report)
        if template is None:
            break
        try:
            return _start_from(context, record, launcher, template)
        except SnapshotError as error:
            log.warning("a template is thrown away: %s %s", error, error.console)
            context.report(f"the template is no good and is thrown away: {error.message}")
            remove(template.folder)
            context.state.vm(record.id).disk.unlink(missing_ok=True)
    launcher.prepare(record, context.state.vm(record.id), context.report)
    return bring_up(context, record, launcher)


def _start_from(context: Context, record: VmRecord, launcher: Launcher, template: Template) -> VmRecord:
    paths = context.state.vm(record.id)
    template.give_disk(paths)
    launcher.prepare(record, paths, context.report)
    return bring_up(context, record, launcher, template.saved)
