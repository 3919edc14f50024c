#!/usr/bin/env bash
# From a fresh clone to a notebook that ran in a microVM. A second run repeats nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=setup_scripts/lib.sh
. setup_scripts/lib.sh

extras=${ERA_EXTRAS:-notebook}
venv=.venv
packages=(qemu-system-x86 qemu-utils buildah mmdebstrap erofs-utils e2fsprogs bubblewrap passt lz4 zstd util-linux ca-certificates)

command -v apt-get >/dev/null ||
  fail "this script knows Debian's and Ubuntu's package manager only" "install QEMU, buildah, mmdebstrap, erofs-utils, bubblewrap by hand, then see README.md"
command -v python3 >/dev/null || fail "python3 is not installed" "apt-get install python3 python3-venv"
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  fail "$(python3 --version) is too old" "install Python 3.11 or newer and put it first on PATH"

command -v cc >/dev/null || packages+=(gcc)
[ -e /usr/include/stdio.h ] || packages+=(libc6-dev)
python3 -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3-venv)
install_packages "${packages[@]}"

# The environment is made again when what it is made of has changed.
fingerprint=$({
  python3 -c 'import sys; print(sys.version, sys.executable)'
  echo "$PWD $extras"
  cat pyproject.toml setup_scripts/hatch_build.py era_kernel/guest/build.py era_kernel/guest/agent/* era_kernel/launchers/preload.py era_kernel/launchers/*.c
} | sha256sum)
if [ "$(cat "$venv/era-fingerprint" 2>/dev/null)" != "$fingerprint" ]; then
  step "making $venv" "delete $venv and try again" python3 -m venv "$venv"
  step "installing era_kernel and building the guest agent" "look at the lines above; pip needs its package index" \
    "$venv/bin/pip" install --disable-pip-version-check -e ".[$extras]"
  printf '%s' "$fingerprint" >"$venv/era-fingerprint"
fi

bash setup_scripts/images/debian.sh python --if-missing
"$venv/bin/python" setup_scripts/prepare.py python || fail "the guest could not be prepared" "\`$venv/bin/era doctor\` checks each part"

"$venv/bin/era" install --sys-prefix --temp >/dev/null || fail "the kernelspecs could not be installed" "see the line above"

say "running notebooks/quickstart.ipynb in its microVM"
"$venv/bin/python" setup_scripts/run_notebook.py notebooks/quickstart.ipynb ||
  fail "the notebook did not run" "\`$venv/bin/era doctor\` checks each part"
say "done. Next: $venv/bin/pip install jupyterlab && $venv/bin/jupyter lab notebooks/quickstart.ipynb"
