// SPDX-License-Identifier: Apache-2.0

package floor

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// Drain waits until every network namespace that nobody held when it was called has ended. The
// kernel ends them in the background, in batches, one batch after the other, and takes back the
// number of a namespace when its batch begins. So new namespaces get the same number one after
// the other: the second gets it when the batch of the first has begun, the third when that is done.
func Drain() error {
	for range 3 {
		if err := onThread(passNumber); err != nil {
			return fmt.Errorf("wait for network namespaces to end: %w", err)
		}
	}
	return nil
}

// onThread runs do on a thread that ends with it.
func onThread(do func() error) error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread may be in any namespace
		result <- do()
	}()
	return <-result
}

// passedNumber is what Drain's namespaces are called by the one of the process.
const passedNumber = 1 << 20

// passNumber gives a new namespace the number once it is free, and lets go of the namespace.
func passNumber() error {
	home, err := open(own)
	if err != nil {
		return err
	}
	defer home.close()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return err
	}
	// With a socket in it, as the others had: the kernel lets go of a socket's namespace later.
	fresh, err := open(own)
	if err != nil {
		return err
	}
	defer fresh.close()
	if err := unix.Setns(home.file, unix.CLONE_NEWNET); err != nil {
		return err
	}
	f := &floor{buffer: make([]byte, 8192)}
	number := message{unix.RTM_NEWNSID, change, parts(nl.NewRtGenMsg(), number(unix.NETNSA_NSID, passedNumber), number(unix.NETNSA_FD, fresh.file))}
	for {
		if err := f.exchange(home, number); !errors.Is(err, unix.EEXIST) {
			return err
		}
		time.Sleep(time.Millisecond)
	}
}
