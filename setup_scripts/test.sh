#!/usr/bin/env bash
# Everything that the tests need, then all of them: linters, types, unit, contract and VM tests, notebooks.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=setup_scripts/lib.sh
. setup_scripts/lib.sh

# A state folder of this run's own: the user's VMs are left alone, ours are gone afterwards.
state=$(mktemp -d)
export AGENT_STATE_DIR=$state
clean_up() {
  [ ! -x .venv/bin/era ] || .venv/bin/era vm clean --all >/dev/null 2>&1 || true
  rm -rf "$state" "$STEP_LOG"
}
trap clean_up EXIT

install_packages shellcheck gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user golang-go golang-github-traefik-yaegi-dev \
  nodejs ruby chromium fonts-dejavu-core
command -v npm >/dev/null || install_packages npm # some packages of nodejs bring it along
[ -e /usr/lib/qemu/virtiofsd ] || [ -e /usr/libexec/virtiofsd ] || ! apt-cache show virtiofsd >/dev/null 2>&1 ||
  install_packages virtiofsd
ERA_EXTRAS=notebook,test bash setup_scripts/quickstart.sh
languages=(go node ruby bash) # beside python, which is in the quick start
for language in "${languages[@]}"; do
  bash setup_scripts/images/debian.sh "$language" --if-missing
  .venv/bin/python setup_scripts/prepare.py "$language"
done
step "installing what drives the browser" "look at the lines above; npm needs its package index" \
  npm install --prefix tests/browser
say "running the tests"
.venv/bin/python -m pytest --nbval --nbval-sanitize-with notebooks/sanitize.cfg tests notebooks "$@"
