#!/usr/bin/env bash
# In a process with threads the 65th, 129th, 257th and 513th open file take milliseconds, all others microseconds.
#
# Software: Linux; Python 3.11
# Source:   expand_fdtable() in fs/file.c doubles the table of open files when it is full, and calls synchronize_rcu()
#           if another task shares the table, as every thread does
# Guess:    opening a file costs the same whatever its number, and threads that do nothing change nothing
# Seen:     the quickest of five opens of descriptors 64, 128, 256 and 512 takes over ten times as long once the process has a
#           second thread, which only sleeps; their neighbours do not
# So:       grow the table once, with dup2() to a high number, before the first thread starts

. "$(dirname "$0")/lib/namespace.sh"
needs python3:python3-minimal
[ "$(getconf _NPROCESSORS_ONLN)" -gt 1 ] || cannot "there is one CPU, so synchronize_rcu() has nothing to wait for"
[ "$(cat /sys/kernel/rcu_expedited 2>/dev/null || echo 0)" = 0 ] || cannot "rcu_expedited is set"
echo

cat >"$FINDING_DIR/opens.py" <<'EOF'
import os, threading, time

def opens(threads):
    """Opens 600 files in a new process, and returns the microseconds that each took, by descriptor."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        for _ in range(threads):
            threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
        took = {}
        for _ in range(600):
            start = time.perf_counter()
            fd = os.open("/dev/null", os.O_RDONLY)
            took[fd] = (time.perf_counter() - start) * 1e6
        os.write(writer, " ".join(f"{took[fd]:.0f}" for fd in (63, 64, 65, 128, 129, 256, 257, 512, 513)).encode())
        os._exit(0)
    os.close(writer)
    os.wait()
    return [int(t) for t in os.read(reader, 4096).split()]

os.closerange(3, 4096)  # What is inherited would make the table of the children larger from the start.
for threads in 0, 1:
    quickest = [min(run) for run in zip(*(opens(threads) for _ in range(5)))]
    print(*quickest)
EOF
{ read -r -a alone && read -r -a threaded; } < <(python3 "$FINDING_DIR/opens.py")
slow() { if (($1 > 10 * ($2 + 10))); then echo slow; else echo "not slow"; fi; }
i=0
for fd in 63 64 65 128 129 256 257 512 513; do
	case $fd in 64 | 128 | 256 | 512) want=slow ;; *) want="not slow" ;; esac
	seen=$(slow "${threaded[i]}" "${alone[i]}")
	expect "descriptor $fd, ${alone[i]} us alone, ${threaded[i]} us with a second thread" "$seen" "$want"
	i=$((i + 1))
done
