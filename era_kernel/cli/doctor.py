"""`era doctor`: shows what `era_kernel.doctor` found."""

from __future__ import annotations

from era_kernel.cli.options import DoctorOptions
from era_kernel.commands.front_end import FrontEnd
from era_kernel.doctor.checks import examine, healthy
from era_kernel.doctor.finding import Grade

COLUMNS = ("Check", "Result", "Found", "What to do")


def doctor(options: DoctorOptions, front_end: FrontEnd) -> int:
    """Show the findings, as a table or as JSON; 1 when no VM can run here."""
    findings = list(examine(front_end.report))
    if options.json:
        import msgspec

        front_end.document(msgspec.json.format(msgspec.json.encode(findings), indent=2).decode() + "\n")
    else:
        front_end.table(COLUMNS, [(each.name, each.grade.value, each.detail, each.remedy) for each in findings])
        if healthy(findings):
            warned = any(each.grade is Grade.WARNING for each in findings)
            front_end.line("VMs run here." + (" The warnings say what does not." if warned else ""))
        else:
            front_end.line("VMs do not run here yet: see what is marked failed.")
    return 0 if healthy(findings) else 1
