"""`python -m era_kernel.kernel`: what a kernelspec starts."""

from era_kernel.kernel.app import EraKernelApp

EraKernelApp.launch_instance()
