"""`era install` and `era uninstall`."""

from __future__ import annotations

import sys

from era_kernel.cli.options import InstallOptions
from era_kernel.commands.front_end import FrontEnd
from era_kernel.kernel import install as kernelspecs


def install(options: InstallOptions, front_end: FrontEnd) -> int:
    """Write the kernelspecs of this Python; a line for each."""
    kernels = kernelspecs.kernels_folder(options.prefix)
    for language in kernelspecs.chosen_languages(options.languages):
        for temporary in (False, True) if options.temporary else (False,):
            changed = kernelspecs.install_spec(language, kernels, sys.executable, temporary=temporary)
            folder = kernels / kernelspecs.spec_name(language, temporary=temporary)
            front_end.line(f"{folder.name} {'installed' if changed else 'is installed already'} in {folder}")
    return 0


def uninstall(options: InstallOptions, front_end: FrontEnd) -> int:
    """Remove our kernelspecs from where install() puts them; a line for each."""
    kernels = kernelspecs.kernels_folder(options.prefix)
    for language in kernelspecs.chosen_languages(options.languages):
        for temporary in (False, True):
            removed = kernelspecs.uninstall_spec(language, kernels, temporary=temporary)
            folder = kernels / kernelspecs.spec_name(language, temporary=temporary)
            if removed or not temporary:
                front_end.line(f"{folder.name} {'removed from' if removed else 'is not installed in'} {folder}")
    return 0
