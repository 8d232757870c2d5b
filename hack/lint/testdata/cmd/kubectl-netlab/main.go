// Command kubectl-netlab may execute programs: that is what exec is for.
package main

import (
	_ "os/exec"

	_ "golang.org/x/sys/unix" // want depguard

	_ "github.com/netlab-dev/netlab/controllers/kernel"
)

func main() {}
