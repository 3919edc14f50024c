# Shared by the setup scripts: progress lines, failures with a remedy, system packages.
# shellcheck shell=bash

started=$SECONDS

say() { printf '[%3ds] %s\n' "$((SECONDS - started))" "$*"; }

fail() {
  printf 'error: %s\n' "$1" >&2
  printf '  what to do: %s\n' "$2" >&2
  exit 1
}

# Run a long step: one line before it, its output only when it fails. A function that is a step must chain its commands:
# `set -e` does not hold in it. STEP_LOG holds the last one's output.
STEP_LOG=$(mktemp)
trap 'rm -f "$STEP_LOG"' EXIT
step() { # step LINE REMEDY COMMAND...
  local line=$1 remedy=$2
  shift 2
  say "$line"
  if ! "$@" >"$STEP_LOG" 2>&1 </dev/null; then
    tail -n 20 "$STEP_LOG" >&2
    fail "$line: failed" "$remedy"
  fi
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  else
    command -v sudo >/dev/null || fail "system packages are missing and this is not root" "run as root, or install sudo"
    sudo "$@"
  fi
}

missing_packages() {
  local package
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || printf '%s\n' "$package"
  done
}

apt_lists_exist() { compgen -G '/var/lib/apt/lists/*Packages*' >/dev/null; }

install_packages() {
  local missing
  mapfile -t missing < <(missing_packages "$@")
  if [ "${#missing[@]}" -gt 0 ] || ! apt_lists_exist; then
    step "updating the package lists" "check the network and /etc/apt/sources.list" as_root apt-get update
  fi
  [ "${#missing[@]}" -gt 0 ] || return 0
  step "installing system packages: ${missing[*]}" "look at the lines above; \`apt-get -f install\` may help" \
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
}
