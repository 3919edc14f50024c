#!/usr/bin/env bash
# What krunvm needs on macOS: its case-sensitive volume, a folder for VMs, brew's krunvm and buildah, an environment file.
# usage: setup.sh [--dry-run | --uninstall [--dry-run]]        Safe to run twice. Works with macOS's bash 3.2.
set -euo pipefail

state=${AGENT_STATE_DIR:-$HOME/agentVM}
volume=${KRUNVM_VOLUME:-/Volumes/krunvm}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
dry_run=
uninstall=

say() { printf '%s\n' "$*"; }

fail() {
  printf 'error: %s\n' "$1" >&2
  printf '  what to do: %s\n' "$2" >&2
  exit 1
}

for argument in "$@"; do
  case $argument in
  --dry-run) dry_run=1 ;;
  --uninstall) uninstall=1 ;;
  *) fail "unknown argument: $argument" "usage: setup.sh [--dry-run | --uninstall [--dry-run]]" ;;
  esac
done

run() {
  if [ -n "$dry_run" ]; then
    printf 'would run: %s\n' "$*"
  else
    "$@" || fail "\`$*\` failed" "look at the lines above, then run this again"
  fi
}

check_system() {
  [ "$(uname -s)" = Darwin ] || fail "this is not macOS" "on Linux, run setup_scripts/linux/setup.sh"
  [ "$(uname -m)" = arm64 ] || fail "krunvm needs a Mac with an Apple processor" "use --vm-runtime qemu on another machine"
  command -v brew >/dev/null || fail "Homebrew is not installed" "see https://brew.sh, then run this again"
}

is_mounted() { diskutil info "$1" >/dev/null 2>&1; }

is_case_sensitive() { diskutil info "$1" 2>/dev/null | grep -i 'File System Personality' | grep -qi 'case-sensitive'; }

# The APFS container that the system's own volume is in: a volume takes no space of its own there.
container() { diskutil info / | sed -n 's/.*APFS Container: *\(disk[0-9]*\).*/\1/p' | head -n 1; }

make_volume() {
  if is_mounted "$volume"; then
    is_case_sensitive "$volume" ||
      fail "the volume $volume is not case-sensitive" "name another one: KRUNVM_VOLUME=/Volumes/NAME, and run this again"
    say "the case-sensitive volume $volume is there"
  else
    local disk
    disk=$(container)
    [ -n "$disk" ] || fail "the APFS container of / was not found" "diskutil apfs addVolume diskN 'Case-sensitive APFS' ${volume##*/}"
    say "making the case-sensitive volume $volume in $disk"
    run diskutil apfs addVolume "$disk" "Case-sensitive APFS" "${volume##*/}"
  fi
  run mkdir -p "$volume/root" "$volume/runroot"
}

# krunvm asks for its volume once, and ends with a status of its own after the answer.
tell_krunvm() {
  if [ -n "$dry_run" ]; then
    printf 'would tell krunvm its volume: %s\n' "$volume"
  else
    printf '%s\n' "$volume" | krunvm list >/dev/null 2>&1 || krunvm list </dev/null >/dev/null 2>&1 ||
      fail "krunvm does not take the volume $volume" "run \`krunvm list\` and answer its question"
  fi
}

make_folders() {
  local folder
  for folder in "$state" "$state/vms" "$state/persist" "$state/krunvm" "$state/containers"; do
    [ -d "$folder" ] || run mkdir -p "$folder"
    run chmod 700 "$folder"
  done
}

install_tools() {
  local tool
  if ! brew tap | grep -q '^slp/krun$'; then run brew tap slp/krun; fi
  for tool in krunvm buildah; do
    if brew list --versions "$tool" >/dev/null 2>&1; then
      if [ -n "$(brew outdated --quiet "$tool")" ]; then run brew upgrade "$tool"; else say "$tool is up to date"; fi
    else
      run brew install "$tool"
    fi
  done
}

environment() {
  cat <<END
# Written by setup_scripts/macos/setup.sh: \`source $state/.env\`.
export AGENT_STATE_DIR="$state"
export KRUNVM_DATA_DIR="$state/krunvm"
export KRUNVM_VOLUME="$volume"
export DYLD_LIBRARY_PATH="$(brew --prefix)/lib"
END
}

write_environment() {
  local file=$state/.env
  if [ -n "$dry_run" ]; then
    printf 'would write %s:\n' "$file"
    environment | sed 's/^/  /'
  elif [ "$(cat "$file" 2>/dev/null)" = "$(environment)" ]; then
    say "$file is up to date"
  else
    environment >"$file.new"
    mv "$file.new" "$file"
    say "wrote $file"
  fi
}

find_era() {
  if [ -x "$here/.venv/bin/era" ]; then echo "$here/.venv/bin/era"; else command -v era || true; fi
}

check() {
  local era
  era=$(find_era)
  if [ -z "$era" ]; then
    say "done. Next: \`pip install $here\`, \`source $state/.env\`, \`era doctor\`"
  elif [ -n "$dry_run" ]; then
    printf 'would run: %s doctor\n' "$era"
  else
    # shellcheck source=/dev/null
    . "$state/.env"
    "$era" doctor
  fi
}

# VMs and their data are the user's: only the user removes them.
remove_all() {
  local era tool
  era=$(find_era)
  [ -z "$era" ] || run "$era" vm stop --all
  for tool in krunvm buildah; do
    if brew list --versions "$tool" >/dev/null 2>&1; then run brew uninstall "$tool"; fi
  done
  [ ! -e "$state/.env" ] || run rm "$state/.env"
  say "kept, for you to remove: $state (VMs and data); the volume: \`diskutil apfs deleteVolume $volume\`"
}

check_system
if [ -n "$uninstall" ]; then
  remove_all
  exit 0
fi
install_tools
make_volume
tell_krunvm
make_folders
write_environment
check
