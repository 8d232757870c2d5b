// SPDX-License-Identifier: Apache-2.0

package rtnl

import (
	"errors"
	"slices"

	"golang.org/x/sys/unix"
)

// ErrInterrupted is a dump that the kernel marked as interrupted (NLM_F_DUMP_INTR): objects
// changed between two of its parts, so some may be missing.
var ErrInterrupted = errors.New("the kernel's state changed during the dump")

// IsGone reports an error that means the object of a deletion does not exist. ENXIO is about IPv6
// addresses on a link whose MTU is below 1280.
func IsGone(err error) bool {
	return slices.ContainsFunc([]error{unix.ENODEV, unix.ESRCH, unix.ENOENT, unix.EADDRNOTAVAIL, unix.ENXIO},
		func(gone error) bool { return errors.Is(err, gone) })
}
