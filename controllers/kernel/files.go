// SPDX-License-Identifier: Apache-2.0

package kernel

import "golang.org/x/sys/unix"

// roomForFiles is how many files may be open before the kernel has to make room: those of the largest
// lab at once, and the files of settings that are kept of 1,000 namespaces.
const roomForFiles = 32768

// makeRoomForFiles has the kernel make room for as many open files at once, or as may be open. A process
// with several threads that runs out of room waits until no CPU uses the old table any more, some 10 ms
// to 20 ms for each doubling, and a large lab opens thousands. Where it fails, it is those that are waited for.
func makeRoomForFiles() {
	var most unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &most); err != nil {
		return
	}
	file, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		return
	}
	defer unix.Close(file)
	last := int(min(most.Cur, roomForFiles)) - 1
	if far, err := unix.FcntlInt(uintptr(file), unix.F_DUPFD_CLOEXEC, last); err == nil {
		unix.Close(far) //nolint:errcheck // nothing was written to it
	}
}
