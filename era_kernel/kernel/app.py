"""The kernel's process: ipykernel's application without IPython's profile, shell, path and output capture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ipykernel.kernelapp import IPKernelApp
from jupyter_client.session import Session
from traitlets import Dict, Instance, default

from era_kernel import logs
from era_kernel.config.traits import EraConfig
from era_kernel.kernel.headstart import HeadStart
from era_kernel.kernel.kernel import EraKernel
from era_kernel.kernel.packing import pack

DEFAULT_HIGH_WATER_MARK = 1000
"""ZMQ's own, for the sockets that come after IOPub."""


class EraKernelApp(IPKernelApp):
    """`python -m era_kernel.kernel -f CONNECTION_FILE --language LANGUAGE [--vm ID | --temp]`."""

    name = "era-kernel"
    description = "The Jupyter kernel whose cells run in a microVM."
    aliases = Dict(
        {
            "f": "IPKernelApp.connection_file",
            "transport": "IPKernelApp.transport",
            "ip": "IPKernelApp.ip",
            "log-level": "EraConfig.log_level",
            "log-file": "EraConfig.log_file",
            "vm-runtime": "EraConfig.vm_runtime",
            "language": "EraKernel.language",
            "vm": "EraKernel.vm",
        }
    )
    flags = Dict(
        {
            "debug": ({"Application": {"log_level": 10}}, "ipykernel logs what it does to stderr, cells included."),
            "temp": ({"EraKernel": {"temporary": True}}, "A VM of this kernel's own, which ends with it."),
        }
    )
    classes = [EraKernel, EraConfig, Session]  # noqa: RUF012 - a traitlets Application's
    kernel_class = EraKernel
    subcommands = Dict()
    outstream_class = None
    head_start = Instance(HeadStart, allow_none=True)
    listeners: Dict[int, Any] = Dict(help="Sockets that listen already, by port.")

    @default("session")
    def _packing_session(self) -> Session:
        return Session(parent=self, packer=f"{pack.__module__}.{pack.__name__}")

    def initialize(self, argv: Sequence[str] | None = None) -> None:
        """What ipykernel complains of is in our log too."""
        super().initialize(argv)
        logs.watch(self.log.name)

    def init_profile_dir(self) -> None:
        """No IPython profile: nothing of it applies, and reading it costs time."""
        self.profile_dir = None

    def init_config_files(self) -> None:
        """See init_profile_dir."""

    def load_config_file(self, suppress_errors: bool | None = None) -> None:
        """See init_profile_dir."""

    def init_path(self) -> None:
        """The notebook's folder must not come onto the host's sys.path: its files are a stranger's."""

    def init_pdb(self) -> None:
        """There is nothing to debug on the host."""

    def _bind_socket(self, s: Any, port: int) -> int:
        """See listen_early()."""
        listener = self.listeners.pop(port, None)
        if listener is not None:
            s.use_fd = listener.detach()
        bound: int = super()._bind_socket(s, port)
        return bound

    def init_iopub(self, context: Any) -> None:
        """IOPub without a high-water mark: with ZMQ's 1,000 a slow client silently loses messages, even `idle`."""
        context.sndhwm = 0
        super().init_iopub(context)
        context.sndhwm = DEFAULT_HIGH_WATER_MARK
