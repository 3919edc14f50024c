#!/bin/sh
# Compile the Go driver: build.sh OUTPUT [FOLDER]. FOLDER is where it finds the sources of the host at run time.
# Where there is no go.mod, yaegi comes from Debian's package.
# The digest of the sources becomes a part of the driver, which compares it in the guest (sources.go).
set -eu
output=$1
folder=${2:-/.era/drivers/go}
cd "$(dirname "$0")"
LC_ALL=C
export LC_ALL
digest=$(for file in *.go; do
  printf '%s %d\n' "$file" "$(wc -c <"$file")"
  cat "$file"
done | sha256sum | cut -d ' ' -f 1)
if [ ! -e go.mod ]; then
  GO111MODULE=off
  GOPATH=/usr/share/gocode
  export GO111MODULE GOPATH
fi
CGO_ENABLED=0 GOFLAGS='' exec go build -ldflags "-s -w -X main.builtFrom=$digest -X main.sourcesFolder=$folder" -o "$output" .
