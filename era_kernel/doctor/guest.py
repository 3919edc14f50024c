"""Is there all that a guest boots from, and does one boot?"""

from __future__ import annotations

from era_kernel.doctor.finding import Finding, Grade, failed
from era_kernel.errors import EraError
from era_kernel.languages import LanguageSpec
from era_kernel.launchers.base import Probe
from era_kernel.progress import Report

NO_BOUNDARY = (
    "Under TCG (no hardware virtualization) QEMU alone is no security boundary, as QEMU's own documentation says "
    "(docs/system/security.rst); that is why the whole VMM runs jailed by bubblewrap."
)


def check_agent() -> Finding:
    """The agent's binary for this machine, which comes with the wheel or was built at installation."""
    from era_kernel.images.initramfs import agent_binary

    try:
        binary = agent_binary()
    except EraError as error:
        return failed("agent", error)
    return Finding("agent", Grade.OK, f"{binary}, {binary.stat().st_size >> 10} KiB")


def check_kernel(report: Report) -> Finding:
    """The guest's kernel, which is fetched into the cache when it is not there."""
    from era_kernel.images.guest_kernel import guest_kernel

    try:
        kernel = guest_kernel(report)
    except EraError as error:
        return failed("guest kernel", error)
    return Finding("guest kernel", Grade.OK, f"Linux {kernel.version}, {kernel.vmlinux}")


def check_image(language: LanguageSpec) -> Finding:
    """The image that a new VM of `language` gets."""
    from era_kernel.images.buildah import find_image

    name = f"image for {language.name}"
    try:
        for reference in (language.local_image, language.public_image):
            if digest := find_image(reference):
                return Finding(name, Grade.OK, f"{reference}, {digest[:19]}")
    except EraError as error:
        return failed(name, error)
    return Finding(
        name,
        Grade.WARNING,
        f"not here yet: the first VM pulls {language.public_image}",
        f"Where no registry can be reached, `bash setup_scripts/images/debian.sh {language.name}` builds one.",
    )


def check_launchers(report: Report) -> list[Finding]:
    """Each launcher's probe, which boots a guest; one that works is enough."""
    from era_kernel.launchers.choose import probe_all

    report("trying to boot a guest")
    probes = probe_all()
    enough = any(probe.usable for probe in probes.values())
    return [*(_launcher(name, probe, enough) for name, probe in probes.items()), *isolation(probes)]


def isolation(probes: dict[str, Probe]) -> list[Finding]:
    """What has to be known where a launcher emulates the CPU."""
    if not any(probe.usable and "TCG" in probe.detail for probe in probes.values()):
        return []
    return [Finding("isolation", Grade.INFO, NO_BOUNDARY)]


def _launcher(name: str, probe: Probe, enough: bool) -> Finding:
    title = f"launcher {name}"
    if probe.usable:
        return Finding(title, Grade.OK, f"a guest ran: {probe.detail}")
    if enough:
        return Finding(title, Grade.INFO, f"{probe.reason} (another launcher works)")
    return Finding(
        title, Grade.FAILED, probe.reason, probe.remedy or "Where nothing else failed, --log-level debug tells more."
    )
