"""All checks, in the order in which they are shown."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import partial

from era_kernel.doctor import configuration, folders, guest, jupyter, krunvm, tools
from era_kernel.doctor.finding import Finding, Grade
from era_kernel.languages import LANGUAGES
from era_kernel.progress import Report

log = logging.getLogger(__name__)

Check = Callable[[], Finding | list[Finding]]


def all_checks(report: Report) -> list[tuple[str, Check]]:
    """(name, check) of each; `report` takes the progress of those that make something."""
    languages = LANGUAGES.values()
    return [
        ("configuration", configuration.check_configuration),
        *tools.checks(),
        *krunvm.checks(),
        ("agent", guest.check_agent),
        ("state folder", folders.check_state),
        ("registry", folders.check_registry),
        ("cache folder", folders.check_cache),
        *((f"image for {language.name}", partial(guest.check_image, language)) for language in languages),
        *((f"kernelspec for {language.name}", partial(jupyter.check_kernelspec, language)) for language in languages),
        ("guest kernel", partial(guest.check_kernel, report)),
        ("launchers", partial(guest.check_launchers, report)),
    ]


def examine(report: Report) -> Iterator[Finding]:
    """Run all checks, one after the other. A check that breaks is a finding too."""
    for name, check in all_checks(report):
        try:
            found = check()
        except Exception as error:
            log.info("the check %s broke", name, exc_info=True)
            detail = f"the check broke: {type(error).__name__}: {error}"
            yield Finding(name, Grade.FAILED, detail, "This is a bug; --log-level debug shows where.")
            continue
        yield from [found] if isinstance(found, Finding) else found


def healthy(findings: list[Finding]) -> bool:
    """Whether VMs can run: nothing necessary failed."""
    return not any(finding.grade is Grade.FAILED for finding in findings)
