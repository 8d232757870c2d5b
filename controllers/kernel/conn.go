// SPDX-License-Identifier: Apache-2.0

package kernel

import "github.com/netlab-dev/netlab/controllers/kernel/rtnl"

// conn lists and changes what a lab has in one network namespace. Its methods are with the nouns:
// links in link.go, addresses in address.go.
type conn struct{ *rtnl.Conn }

// dial opens a connection in the network namespace of the calling thread.
func dial() (*conn, error) {
	c, err := rtnl.Dial()
	if err != nil {
		return nil, err
	}
	return &conn{c}, nil
}
