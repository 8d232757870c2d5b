// SPDX-License-Identifier: Apache-2.0

package netns

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// ShareDir makes the mount that a directory is on a shared one. A directory whose mount is not
// shared is mounted onto itself first, so that nothing but it becomes shared. That must
// happen once and never on a shared mount: the copy would join its peer group, and every
// namespace mounted below would appear twice and need unmounting twice.
func ShareDir(dir string) error {
	mount, err := mountOf(dir)
	if err != nil {
		return fmt.Errorf("find the mount of %s: %w", dir, err)
	}
	if mount.shared {
		return nil
	}
	if mount.point != dir {
		if err := unix.Mount(dir, dir, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("mount %s onto itself: %w", dir, err)
		}
	}
	if err := unix.Mount("", dir, "", unix.MS_SHARED, ""); err != nil {
		return fmt.Errorf("share the mount %s: %w", dir, err)
	}
	return nil
}

// UnshareDir undoes ShareDir where it mounted a directory onto itself.
func UnshareDir(dir string) error {
	mount, err := mountOf(dir)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find the mount of %s: %w", dir, err)
	}
	if mount.point != dir {
		return nil
	}
	if err := unix.Unmount(dir, unix.UMOUNT_NOFOLLOW); err != nil {
		return fmt.Errorf("unmount %s: %w", dir, err)
	}
	return nil
}

// mountInfo is a line of /proc/self/mountinfo.
type mountInfo struct {
	point  string
	shared bool
}

// mountOf finds the mount a directory is on. Paths are no proof: one mount may hide another.
func mountOf(dir string) (mountInfo, error) {
	var st unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, dir, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_MNT_ID, &st); err != nil {
		return mountInfo{}, err
	}
	file, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return mountInfo{}, err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if id, mount, ok := parseMount(lines.Text()); ok && id == st.Mnt_id {
			return mount, nil
		}
	}
	if err := lines.Err(); err != nil {
		return mountInfo{}, err
	}
	return mountInfo{}, errors.New("not in /proc/self/mountinfo")
}

// parseMount reads "36 35 98:0 /root /point rw,noatime shared:1 - ext4 /dev/sda rw": optional
// fields follow the sixth and end with a dash.
func parseMount(line string) (id uint64, mount mountInfo, ok bool) {
	before, _, ok := strings.Cut(line, " - ")
	fields := strings.Fields(before)
	if !ok || len(fields) < 6 {
		return 0, mountInfo{}, false
	}
	id, err := strconv.ParseUint(fields[0], 10, 64)
	if err != nil {
		return 0, mountInfo{}, false
	}
	mount.point = fields[4]
	for _, field := range fields[6:] {
		mount.shared = mount.shared || strings.HasPrefix(field, "shared:")
	}
	return id, mount, true
}
