// SPDX-License-Identifier: Apache-2.0

package state

import (
	"fmt"
	"slices"
	"strings"
)

// Script renders a plan as a POSIX sh script that needs only ip, sysctl, mount, ln, mkdir
// and rm. Run as root it does what applying the plan does, and stops at the first command
// that fails.
//
// ip finds a namespace only by a name in SymlinkDir. So the script makes a symlink for every
// namespace it works on, and in the end removes those that were not there and are not in the plan.
func Script(ops []Op) string {
	var b strings.Builder
	fmt.Fprintf(&b, scriptHeader, len(ops), NamespaceDir, SymlinkDir, initialAssignments())
	for _, name := range existing(ops) {
		b.WriteString("find_namespace " + quoted(name) + "\n")
	}
	for _, op := range ops {
		b.WriteString(scriptLine(op) + "\n")
	}
	return b.String()
}

const scriptHeader = `#!/bin/sh
# A network lab as commands: %d operations. Run as root; needs iproute2 and sysctl.
set -eu

namespaces=%s # where the lab's namespaces are mounted
symlinks=%s # where ip looks them up by name
borrowed= # symlinks that go when the script ends
kept=

give_back() {
	for name in $borrowed; do
		case " $kept " in
		*" $name "*) ;;
		*) rm -f "$symlinks/$name" ;;
		esac
	done
}
trap give_back EXIT

# find_namespace NAME: lets ip find a namespace of the lab by its name.
find_namespace() {
	mkdir -p "$symlinks"
	if [ ! -e "$symlinks/$1" ]; then
		ln -sfn "$namespaces/$1" "$symlinks/$1"
		borrowed="$borrowed $1"
	elif [ ! "$symlinks/$1" -ef "$namespaces/$1" ]; then
		echo "$symlinks/$1 is not the lab's" >&2
		exit 1
	fi
}

# share_namespaces: mounts the directory onto itself, so that what is mounted in it reaches
# other mount namespaces; once, and before the first.
share_namespaces() {
	mkdir -p "$namespaces"
	while read -r _ _ _ _ point _; do
		[ "$point" != "$namespaces" ] || return 0
	done </proc/self/mountinfo
	mount --bind "$namespaces" "$namespaces"
	mount --make-shared "$namespaces"
}

# create_namespace NAME MARK: mounts a new namespace once its mark and settings are complete.
# The file below the mount says whose it is should the mount get lost.
create_namespace() {
	share_namespaces
	if [ -e "$namespaces/$1" ] && { ! read -r mark <"$namespaces/$1" || [ "$mark" != "$2" ]; }; then
		echo "$namespaces/$1 is taken" >&2
		exit 1
	fi
	if [ "$symlinks/$1" -ef "$namespaces/$1" ]; then
		rm "$symlinks/$1"
	else
		borrowed="$borrowed $1"
	fi
	ip netns add "$1"
	printf '%%s\n' "$2" >"$namespaces/$1"
	ip -n "$1" link set lo alias "$2"
	ip netns exec "$1" sysctl -qw \
%s
	mount --bind "$symlinks/$1" "$namespaces/$1"
	ip netns delete "$1"
	ln -s "$namespaces/$1" "$symlinks/$1"
}

# delete_namespace NAME: through the symlink, ip unmounts what it points to.
delete_namespace() {
	find_namespace "$1"
	ip netns delete "$1"
	rm -f "$namespaces/$1"
}

# add_symlink NAME: leaves the symlink there in the end.
add_symlink() {
	find_namespace "$1"
	kept="$kept $1"
}

# delete_symlink NAME: removes the symlink in the end.
delete_symlink() { borrowed="$borrowed $1"; }

`

// initialAssignments are all settings of a new namespace, those that others depend on first. A
// plan relies on what a kernel gives a namespace; a script meets machines that give others.
func initialAssignments() string {
	var lines []string
	written := map[SettingKey]bool{}
	add := func(key SettingKey) {
		if !written[key] {
			lines = append(lines, fmt.Sprintf("\t\t%s=%s", key, InitialValue(key)))
		}
		written[key] = true
	}
	for _, s := range InitialWrites {
		add(SettingKey{Setting: s})
	}
	for _, key := range NamespaceSettingKeys() {
		add(key)
	}
	return strings.Join(lines, " \\\n")
}

// existing lists, sorted, the namespaces that a plan works on and does not make itself.
func existing(ops []Op) []string {
	created := map[string]bool{}
	var names []string
	for _, op := range ops {
		if o, ok := op.(CreateNamespace); ok {
			created[o.Name] = true
		}
		for _, name := range op.Namespaces() {
			if !created[name] {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func scriptLine(op Op) string {
	switch o := op.(type) {
	case CreateNamespace:
		return "create_namespace " + quoted(o.Name) + " " + quoted(o.Label)
	case DeleteNamespace:
		return "delete_namespace " + quoted(o.Name)
	case AddSymlink:
		return "add_symlink " + quoted(o.Name)
	case DeleteSymlink:
		return "delete_symlink " + quoted(o.Name)
	default:
		words := strings.Split(op.String(), " ")
		for i, word := range words {
			words[i] = quoted(word)
		}
		return strings.Join(words, " ")
	}
}

// quoted is a word that sh takes literally: an interface in a namespace
// may be called $(reboot).
func quoted(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=@+,%", r)
	}
	if word != "" && !strings.ContainsFunc(word, func(r rune) bool { return !plain(r) }) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
