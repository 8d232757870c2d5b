#!/usr/bin/env bash
# Gets Debian's kernel for virtual machines, without installing it.
#
#   kernel.sh
#
# The last and only line on stdout is a directory with the file vmlinuz and the tree modules/;
# it is kept in ${XDG_CACHE_HOME:-$HOME/.cache}/netlab/vm. Everything else goes to stderr.
# NETLAB_VM_KERNEL names another package than the one Debian has for virtual machines now.
set -euo pipefail

cache=${XDG_CACHE_HOME:-$HOME/.cache}/netlab/vm
mkdir -p "$cache"

say() { printf 'vm: %s\n' "$*" >&2; }

# newest is the package that the one without a version depends on.
newest() { apt-cache depends linux-image-cloud-amd64 2>/dev/null | awk '$1 == "Depends:" {print $2}'; }

# Two that start together download once.
exec 9>"$cache/.lock"
flock 9

package=${NETLAB_VM_KERNEL:-$(newest)}
if [ -z "$package" ] && [ "$(id -u)" -eq 0 ]; then
  apt-get update -qq >&2
  package=$(newest)
fi
[ -n "$package" ] || { say "apt knows no linux-image-cloud-amd64; as root: apt-get update"; exit 1; }

dir=$cache/$package
if [ ! -e "$dir/vmlinuz" ]; then
  say "downloading $package"
  work=$(mktemp -d "$cache/.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  (cd "$work" && apt-get download -qq -o APT::Sandbox::User=root "$package" >&2)
  dpkg-deb -x "$work"/*.deb "$work/root"
  mkdir "$work/ready"
  mv "$work"/root/lib/modules/*/kernel "$work/ready/modules"
  mv "$work"/root/boot/vmlinuz-* "$work/ready/vmlinuz"
  rm -rf "$dir"
  mv "$work/ready" "$dir"
fi
say "the kernel is $package"
echo "$dir"
