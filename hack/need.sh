# shellcheck shell=bash
# For scripts that make sure that programs are there: `need` each, then `install_missing`.
# As root on Debian or Ubuntu what is missing is installed; anybody else is told what to install.
PATH=$PATH:/usr/sbin:/sbin # where ip and sysctl are, and users often do not look

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
    echo "deps: needed are these Debian packages, or what they are called here: ${missing[*]}" >&2
    return 1
  fi
  echo "deps: installing ${missing[*]}" >&2
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
}
