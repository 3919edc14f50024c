#!/usr/bin/env bash
# Everything that the tests need, then all of them: linters, types, unit, contract and VM tests, notebooks.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=setup_scripts/lib.sh
. setup_scripts/lib.sh

install_packages shellcheck gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user
ERA_EXTRAS=notebook,test bash setup_scripts/quickstart.sh
say "running the tests"
exec .venv/bin/python -m pytest --nbval --nbval-sanitize-with notebooks/sanitize.cfg tests notebooks "$@"
