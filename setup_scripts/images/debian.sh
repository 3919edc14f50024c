#!/usr/bin/env bash
# Build localhost/era/LANGUAGE out of Debian packages, where no container registry can be reached.
# usage: debian.sh LANGUAGE [--if-missing]
# --if-missing: only where there is no image by this recipe; one by another, as of an older version, is built anew.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=setup_scripts/lib.sh
. setup_scripts/lib.sh

usage="usage: debian.sh LANGUAGE [--if-missing]; languages: python, go, ruby, bash, node"
language=${1:?$usage}
base=(ca-certificates iproute2 less nano procps)

# One row a language: packages, then a command that is run in the finished tree.
case $language in
python)
  # munkres and the plain BLAS stand in for scipy, pythran, boost and OpenBLAS: 0.6 GB less.
  packages=(python3 python3-pip python3-venv python3-numpy python3-matplotlib python3-munkres libblas3 liblapack3)
  command=(python3)
  # matplotlib's .pth file declares a namespace package that Python finds without it, and imports half of importlib for that
  # at each start of Python.
  # Byte code and the font cache are made here: in a guest without hardware virtualization that takes a minute.
  # shellcheck disable=SC2016 # the guest's shell expands it
  finish='python3 -m compileall -q -j 0 /usr/lib/python3 /usr/lib/python3.* >/dev/null || true
    HOME=/root MPLBACKEND=agg python3 -c "import matplotlib.pyplot"
    rm -f /usr/lib/python3/dist-packages/matplotlib-*-nspkg.pth
    for folder in /usr/lib/python3.*; do rm -f "$folder/EXTERNALLY-MANAGED"; done'
  ;;
node)
  # Without npm, which is 400 packages more in Debian.
  packages=(nodejs)
  command=(node)
  finish='node --version'
  ;;
go)
  # The driver is compiled in the tree, against the yaegi that is there; its sources travel in the command.
  # With a C compiler for cgo, without which Go would also compile the packages again that use it, such as net/http: a VM has
  # not the memory for that.
  packages=(golang-go golang-github-traefik-yaegi-dev gcc libc6-dev)
  command=(go version)
  sources=$(tar -C era_kernel/guest/drivers/go --sort=name --owner=0 --group=0 --mode=u=rwX,go=rX --mtime=@0 -cz . |
    base64 -w 0)
  finish="mkdir -p /usr/lib/era /usr/src/era-driver-go
    echo $sources | base64 -d | tar -xz -C /usr/src/era-driver-go
    HOME=/root sh /usr/src/era-driver-go/build.sh /usr/lib/era/driver-go
    rm -rf /root/.cache/go-build"
  ;;
ruby)
  packages=(ruby)
  command=(ruby)
  finish=true
  ;;
bash)
  # The driver is a perl program, for which perl-base is enough: no other package has to be in an image.
  packages=(bash perl-base bsdextrautils curl file jq xxd)
  command=(bash)
  finish=:
  ;;
*) fail "there is no image recipe for '$language'" "$usage" ;;
esac
image=localhost/era/$language
recipe=$(printf '%s\n' "${packages[*]}" "${base[*]}" "${command[*]}" "$finish" | sha256sum | cut -d ' ' -f 1)

recipe_of_image() { buildah inspect --type image --format '{{index .OCIv1.Config.Labels "era.recipe"}}' "$image" 2>/dev/null; }
if [ "${2:-}" = --if-missing ] && [ "$(recipe_of_image)" = "$recipe" ]; then
  exit 0
fi
for tool in buildah mmdebstrap; do
  command -v "$tool" >/dev/null || fail "$tool is not installed" "apt-get install $tool"
done

work=$(mktemp -d)
container=
clean_up() {
  [ -z "$container" ] || buildah rm "$container" >/dev/null 2>&1 || true
  rm -rf "$work" "$STEP_LOG"
}
trap clean_up EXIT

# The packages come from where this machine's own come from: a file for each of apt's two formats.
cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null | grep -v '^ *\(#\|$\)' >"$work/apt.list" || true
for file in /etc/apt/sources.list.d/*.sources; do
  [ ! -e "$file" ] || { cat "$file" && echo; } >>"$work/apt.sources"
done
find "$work" -empty -name 'apt.*' -delete
compgen -G "$work/apt.*" >/dev/null || fail "apt has no package sources on this machine" "add some to /etc/apt/sources.list"
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")

# mmdebstrap cleans apt's caches in the tree itself. Its apt configuration is in the tree's /tmp: to empty that would make it
# clean this machine's.
build_tree() {
  local include
  include=$(IFS=,; echo "${packages[*]},${base[*]}")
  # shellcheck disable=SC2016 # $1 is mmdebstrap's
  mmdebstrap --quiet --variant=apt --include="$include" --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Retries "3"' \
    --customize-hook="chroot \"\$1\" sh -c '$finish'" \
    --customize-hook='mkdir -p "$1/in" "$1/out" "$1/persist" "$1/.era"' \
    "$suite" "$work/tree.tar" "$work"/apt.*
}

image_id() { buildah images --quiet "$image" 2>/dev/null || true; }

# An image that another takes the name of would stay for ever; one that a VM's container is made of does stay.
remove_replaced() {
  [ -z "$1" ] || [ "$1" = "$(image_id)" ] || buildah rmi "$1" >/dev/null 2>&1 || true
}

commit_image() {
  # Chained: within a step, `set -e` does not hold.
  container=$(buildah from scratch) &&
    buildah add --quiet "$container" "$work/tree.tar" / &&
    buildah config --workingdir /root --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    --env LANG=C.UTF-8 --cmd "[\"${command[0]}\"]" --label "org.opencontainers.image.title=era $language" \
    --label "era.recipe=$recipe" "$container" &&
    buildah commit --quiet --rm "$container" "$image" &&
    container=
}

step "building $image out of Debian packages (about a minute)" "look at the lines above; apt's package sources must be reachable" build_tree
replaced=$(image_id)
step "committing $image" "\`buildah info\` shows whether its storage works; disk space may be short" commit_image
remove_replaced "$replaced"
