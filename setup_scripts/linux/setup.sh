#!/usr/bin/env bash
# What VMs need on Linux, from the distribution's packages: krunvm where there is a package of it, QEMU everywhere.
# usage: setup.sh [--dry-run]        Safe to run twice.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=setup_scripts/lib.sh
. setup_scripts/lib.sh

dry_run=
case ${1:-} in
'') ;;
--dry-run) dry_run=1 ;;
*) fail "unknown argument: $1" "usage: setup.sh [--dry-run]" ;;
esac

run() { # run LINE REMEDY COMMAND...
  if [ -n "$dry_run" ]; then
    shift 2
    printf 'would run: %s\n' "$*"
  else
    step "$@"
  fi
}

find_manager() {
  local name
  for name in apt-get dnf pacman zypper; do
    if command -v "$name" >/dev/null; then
      echo "$name"
      return
    fi
  done
  fail "none of apt-get, dnf, pacman, zypper is here" \
    "install buildah, bubblewrap, QEMU, erofs-utils, e2fsprogs, passt and, where there is one, krunvm by hand, then run \`era doctor\`"
}

# One row a package manager: what to install, how, and how it is asked whether it knows krunvm.
manager=$(find_manager)
case $manager in
apt-get)
  packages=(buildah bubblewrap qemu-system-x86 qemu-utils erofs-utils e2fsprogs passt util-linux lz4 zstd)
  install=(env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends)
  refresh=(apt-get update)
  known() { apt-cache show "$1" >/dev/null 2>&1; }
  ;;
dnf)
  packages=(buildah bubblewrap qemu-system-x86-core qemu-img erofs-utils e2fsprogs passt util-linux lz4 zstd)
  install=(dnf install -y)
  refresh=(dnf makecache)
  known() { dnf -q info "$1" >/dev/null 2>&1; }
  ;;
pacman)
  packages=(buildah bubblewrap qemu-system-x86 qemu-img erofs-utils e2fsprogs passt util-linux lz4 zstd)
  install=(pacman -S --noconfirm --needed)
  refresh=(pacman -Sy)
  known() { pacman -Si "$1" >/dev/null 2>&1; }
  ;;
zypper)
  packages=(buildah bubblewrap qemu-x86 qemu-tools erofs-utils e2fsprogs passt util-linux lz4 zstd)
  install=(zypper --non-interactive install --no-recommends)
  refresh=(zypper --non-interactive refresh)
  known() { zypper -q info "$1" 2>/dev/null | grep -q '^Name'; }
  ;;
esac
say "the package manager is $manager"

run "updating the package lists" "check the network and the package sources" as_root "${refresh[@]}"
if command -v krunvm >/dev/null; then
  say "krunvm is installed: $(command -v krunvm)"
elif known krunvm; then
  packages+=(krunvm)
else
  say "$manager knows no package krunvm. QEMU runs the VMs meanwhile. To get krunvm:"
  say "  build libkrunfw, libkrun (1.7 or newer) and krunvm (0.2.6 or newer) from github.com/containers, in this order,"
  say "  with a Rust toolchain; each has the steps in its README. \`era doctor\` then boots a guest with it."
fi
run "installing ${packages[*]}" "look at the lines above" as_root "${install[@]}" "${packages[@]}"

if [ ! -e /dev/kvm ]; then
  say "there is no /dev/kvm: without hardware virtualization QEMU emulates the processor, and krunvm cannot run"
elif [ ! -r /dev/kvm ] || [ ! -w /dev/kvm ]; then
  say "/dev/kvm is closed to you: \`sudo usermod -aG kvm $(id -un)\`, then log in again"
fi
if [ "$(id -u)" != 0 ] && ! grep -q "^$(id -un):" /etc/subuid 2>/dev/null; then
  say "you have no subordinate user ids, which \`buildah unshare\` needs: \`sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $(id -un)\`"
fi

era=era
[ ! -x .venv/bin/era ] || era=.venv/bin/era
if [ -n "$dry_run" ]; then
  printf 'would run: %s doctor\n' "$era"
elif command -v "$era" >/dev/null; then
  "$era" doctor
else
  say "done. Next: \`bash setup_scripts/quickstart.sh\` (Debian, Ubuntu) or \`pip install .\`, then \`era doctor\`"
fi
