package main

import (
	cryptorand "crypto/rand"
	"encoding/binary"
	"math/rand"
)

// reseed seeds math/rand from the kernel's generator: Go 1.19 begins with the same numbers in every process, and a clone
// of a snapshot goes on with those of its original. crypto/rand reads the kernel's at each call.
func reseed() {
	var seed [8]byte
	if _, err := cryptorand.Read(seed[:]); err == nil {
		rand.Seed(int64(binary.LittleEndian.Uint64(seed[:])))
	}
}
