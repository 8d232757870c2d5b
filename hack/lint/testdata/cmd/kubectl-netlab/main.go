// Command kubectl-netlab may execute programs: that is what exec is for.
package main

import (
	_ "os/exec"

	_ "golang.org/x/sys/unix" // want depguard

	_ "github.com/netlab-dev/netlab/controllers/agent" // want depguard
	_ "github.com/netlab-dev/netlab/controllers/kernel"
	_ "github.com/netlab-dev/netlab/controllers/lab/labtest"       // want depguard
	_ "github.com/netlab-dev/netlab/controllers/status/statustest" // want depguard
	_ "github.com/netlab-dev/netlab/controllers/summary"           // want depguard
)

func main() {}
