// The Go driver: runs in the guest, evaluates cells with yaegi, speaks Jupyter message contents on fds 3 and 4.
//
// It is compiled when the image is built (setup_scripts/images): standard library and github.com/traefik/yaegi only.
// The sources that it was built from are told by their digest, which the linker puts into the binary; the sources that
// the host has today lie in the guest's initramfs. Where the two differ, the driver does not run (see sources.go).
//
//	driver           a session
//	driver --warm    the zygote, which starts spares that wait to become sessions (see warm.go and spare.go)
package main

import (
	"fmt"
	"os"
	"strings"
)

const (
	exitHostGone = 74
	exitProtocol = 76
	exitOldImage = 78
)

func main() {
	switch strings.Join(os.Args[1:], " ") {
	case "--warm":
		checkSources()
		serveSpares()
	case "--warm spare":
		s := newSession()
		s.rehearse()
		s.run(becomeSession())
	default:
		checkSources()
		newSession().run(func() {})
	}
}

// fail ends the driver with a line for people on stderr.
func fail(status int, format string, arguments ...interface{}) {
	fmt.Fprintf(os.Stderr, "era driver: "+format+"\n", arguments...)
	os.Exit(status)
}
