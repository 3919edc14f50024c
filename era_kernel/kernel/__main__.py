"""`python -m era_kernel.kernel`: what a kernelspec starts.

What can be done before ipykernel is imported, which takes a quarter of a second, is done before.
"""

import sys

from era_kernel.kernel.listen import listen_early


def main() -> None:
    listeners = listen_early(sys.argv[1:])
    from era_kernel.kernel.headstart import begin

    head_start = begin(sys.argv[1:])
    from era_kernel.kernel.app import EraKernelApp

    EraKernelApp.launch_instance(head_start=head_start, listeners=listeners)


main()
