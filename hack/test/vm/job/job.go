// SPDX-License-Identifier: Apache-2.0

// Package job holds what two programs share: the one that starts a virtual machine, and the init that
// runs in it.
package job

// File is where init finds its Job, as JSON.
const File = "/job.json"

// Source is the directory of the virtual machine that stands for the repository.
const Source = "/src"

// The serial lines: the kernel's messages, what the command prints, and its exit code in decimal
// digits. A machine that ends without writing the last has not got to the command's end.
const (
	MessagesLine = "ttyS0"
	OutputLine   = "ttyS1"
	ExitLine     = "ttyS2"
)

// Booted is what init says among the kernel's messages just before it runs the command.
const Booted = "init: running the command"

// Job is a command and what has to be there before it runs.
type Job struct {
	// Modules are files of the kernel's modules, each after those it needs.
	Modules []string
	// Command is run in Dir with Env, which says where its program is if the name has no slash.
	Command []string
	Dir     string
	Env     map[string]string
}
