// SPDX-License-Identifier: Apache-2.0

// Stream sends numbered UDP packets at a steady rate and counts which of them arrive.
//
//	stream receive ADDRESS:PORT        prints "listening", and the counts once the sender has ended
//	stream send ADDRESS:PORT           1,000 packets a second until its standard input closes
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "stream:", err)
		os.Exit(1)
	}
}

func run(args []string, in io.Reader, out io.Writer) error {
	if len(args) != 2 {
		return errors.New("usage: stream send|receive ADDRESS:PORT")
	}
	switch verb, address := args[0], args[1]; verb {
	case "send":
		return send(address, in, out)
	case "receive":
		return receive(address, out)
	default:
		return fmt.Errorf("%s is neither send nor receive", verb)
	}
}
