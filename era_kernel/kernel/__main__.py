"""`python -m era_kernel.kernel`: what a kernelspec starts.

What can be done before ipykernel is imported, which takes a quarter of a second, is done before.
"""

import sys

from era_kernel.config.arguments import take_arguments
from era_kernel.kernel.listen import listen_early

ALIASES = {"--log-level": "log_level", "--log-file": "log_file", "--vm-runtime": "vm_runtime"}


def main() -> None:
    argv = take_arguments(sys.argv[1:], ALIASES)
    listeners = listen_early(argv)
    _start_logging()
    from era_kernel.kernel.headstart import begin

    head_start = begin(argv)
    from era_kernel.kernel.app import EraKernelApp

    EraKernelApp.launch_instance(argv=argv, head_start=head_start, listeners=listeners)


def _start_logging() -> None:
    """As configured. What is wrong with that is told here, and in the first cell that needs a VM."""
    from era_kernel.errors import UsageError
    from era_kernel.logs import set_up

    try:
        set_up()
    except UsageError as error:
        print(f"era_kernel: {error}", file=sys.stderr)


main()
