# shellcheck shell=bash
# For scripts that need programs: `need` each, then `install_missing`.
# As root on Debian or Ubuntu it installs what is missing; otherwise it prints what to install.
PATH=$PATH:/usr/sbin:/sbin # ip and sysctl are there, and often not in the PATH of users

missing=()

need() { # need PACKAGE PROGRAM...
  local package=$1 program
  for program in "${@:2}"; do
    if ! command -v "$program" >/dev/null; then
      missing+=("$package")
      return
    fi
  done
}

install_missing() {
  if [ ${#missing[@]} -eq 0 ]; then return; fi
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "deps: install these Debian packages, or your distribution's equivalents: ${missing[*]}" >&2
    return 1
  fi
  echo "deps: installing ${missing[*]}" >&2
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
}
