"""`python -m era_kernel` is the `era` command."""

from era_kernel.cli import main

main()
