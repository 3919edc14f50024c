package main

import (
	"os"
	"strconv"
	"strings"
)

// killedForMemory gives how many of the session's processes the kernel has ended for lack of memory (Linux's
// admin-guide/cgroup-v2.rst, "memory.events"); 0 where it does not tell.
func killedForMemory() int {
	group, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return 0
	}
	_, folder, _ := strings.Cut(strings.TrimSpace(string(group)), "0::")
	events, err := os.ReadFile("/sys/fs/cgroup" + folder + "/memory.events")
	if err != nil {
		return 0
	}
	for _, line := range strings.Split(string(events), "\n") {
		if count := strings.TrimPrefix(line, "oom_kill "); count != line {
			killed, _ := strconv.Atoi(count)
			return killed
		}
	}
	return 0
}
