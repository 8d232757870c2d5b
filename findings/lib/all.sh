#!/usr/bin/env bash
# Runs every finding, and prints the output of those that are not as described. Ten minutes are enough for one that has
# to download and compile Go modules first.
set -euo pipefail
cd "$(dirname "$0")/.."
same=0 absent=0 changed=0
for finding in *.sh; do
	start=$SECONDS code=0 title=$(sed -n '2s/^# //p' "$finding")
	output=$(timeout 600 "./$finding" 2>&1) || code=$?
	case $code in
	0) same=$((same + 1)) word=same ;;
	77) absent=$((absent + 1)) word=absent ;;
	*) changed=$((changed + 1)) word=CHANGED ;;
	esac
	printf '%-8s %-36s %2d s  %s\n' "$word" "${finding%.sh}" $((SECONDS - start)) "$title"
	grep -qF "($finding) |" README.md && grep -qF "$title" README.md || echo "         README.md does not list it with this sentence"
	[ "$word" = same ] || printf '         %s\n' "${output//$'\n'/$'\n         '}"
done
echo "$same as described, $changed changed, $absent cannot be shown here"
[ "$changed" = 0 ]
