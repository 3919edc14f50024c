"""Comms of the kernel's own widgets: the panel's. Guests have none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from era_kernel.kernel.kernel import EraKernel

_CONTROL = "jupyter.widget.control"


def enable_comms(kernel: EraKernel) -> None:
    """Let ipywidgets talk to the front end, which may ask what widgets there are, and open none itself."""
    import comm
    from comm.base_comm import CommManager
    from ipykernel.comm.comm import BaseComm
    from ipywidgets import Widget

    manager = CommManager()
    manager.register_target(_CONTROL, Widget.handle_control_comm_opened)
    comm.create_comm = BaseComm
    comm.get_comm_manager = lambda: manager
    refuse = kernel.shell_handlers["comm_open"]

    def comm_open(stream: Any, ident: Any, parent: dict[str, Any]) -> None:
        known = parent["content"].get("target_name") in manager.targets
        (manager.comm_open if known else refuse)(stream, ident, parent)

    kernel.comm_manager = manager
    kernel.shell_handlers.update(comm_open=comm_open, comm_msg=manager.comm_msg, comm_close=manager.comm_close)
