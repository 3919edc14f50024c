"""Does Jupyter find our kernels, and do these start this Python?"""

from __future__ import annotations

import shutil
import sys

from era_kernel.doctor.finding import Finding, Grade
from era_kernel.kernel.install import find_installed, spec_name
from era_kernel.languages import LanguageSpec

REMEDY = "`era install` writes it for this Python."


def check_kernelspec(language: LanguageSpec) -> Finding:
    """A bare `python`, as in a wheel's own kernelspec, is Jupyter's Python: right where both are the same."""
    name = f"kernelspec {spec_name(language)}"
    found = find_installed(language)
    if found is None:
        return Finding(name, Grade.WARNING, "not installed: notebooks do not offer the kernel", REMEDY)
    if not found.executable:
        return Finding(name, Grade.WARNING, f"{found.folder} is not ours", f"Remove it, then {REMEDY}")
    detail = f"{found.folder} starts {found.executable}"
    if found.executable == sys.executable:
        return Finding(name, Grade.OK, detail)
    if found.executable == "python" and found.folder.is_relative_to(sys.prefix):
        return Finding(name, Grade.OK, f"{detail}, which is Jupyter's own")
    missing = "" if shutil.which(found.executable) else ", which does not exist"
    return Finding(name, Grade.WARNING, f"{detail}{missing}; this is {sys.executable}", REMEDY)
