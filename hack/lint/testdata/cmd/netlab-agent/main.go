// Command netlab-agent connects; it does not talk to the kernel itself.
package main

import (
	_ "os/exec" // want depguard

	_ "github.com/vishvananda/netns" // want depguard

	_ "github.com/netlab-dev/netlab/controllers/agent"
	_ "github.com/netlab-dev/netlab/controllers/agent/agenttest" // want depguard
	_ "github.com/netlab-dev/netlab/controllers/kernel"
	_ "github.com/netlab-dev/netlab/controllers/summary" // want depguard
)

func main() {}
