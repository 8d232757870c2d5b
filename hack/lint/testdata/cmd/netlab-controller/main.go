// Command netlab-controller executes no programs.
package main

import (
	_ "os/exec" // want depguard

	_ "github.com/netlab-dev/netlab/controllers/agent"    // want depguard
	_ "github.com/netlab-dev/netlab/controllers/diagnose" // want depguard
	_ "github.com/netlab-dev/netlab/controllers/kernel"   // want depguard
	_ "github.com/netlab-dev/netlab/controllers/probe"    // want depguard
	_ "github.com/netlab-dev/netlab/controllers/summary"
)

func main() {}
