"""`era` whose VMs are the real agent, held by real shims, without a hypervisor. $ERA_TEST_AGENT is its binary."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from era_kernel.cli.app import run
from tests.fakes.agent_vm import install_agent

if __name__ == "__main__":
    install_agent(Path(os.environ["ERA_TEST_AGENT"]))
    sys.exit(run(sys.argv[1:]))
