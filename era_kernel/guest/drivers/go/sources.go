package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"sort"
)

// Set by the linker (build.sh).
var (
	// builtFrom is the digest of the sources that this binary was built from.
	builtFrom string
	// sourcesFolder is where the guest's initramfs has the sources of the host that started the VM.
	sourcesFolder string
)

// digestOf gives the SHA-256 over names and contents of the Go files in a folder, as hex.
func digestOf(folder string) (string, error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		return "", err
	}
	sort.Strings(paths)
	digest := sha256.New()
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(digest, "%s %d\n", filepath.Base(path), len(content))
		digest.Write(content)
	}
	return hex.EncodeToString(digest.Sum(nil)), nil
}

// checkSources ends the driver when the host has other sources than those that it was built from: an old image would
// otherwise go on running an old driver, silently. Outside a guest there is nothing to compare with.
func checkSources() {
	if _, err := os.Stat(sourcesFolder); err != nil {
		return
	}
	if now, err := digestOf(sourcesFolder); err == nil && now != builtFrom {
		fail(exitOldImage, "this image was built for another version of era_kernel: build it again "+
			"(bash setup_scripts/images/debian.sh go), then take a new VM (era vm clean)")
	}
}
