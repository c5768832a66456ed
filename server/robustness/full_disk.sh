#!/bin/bash
# A real file system of 24 MiB that fills up: the server refuses new runs, deletes all the same, starts again while the disk is full and
# recovers when there is room. Needs root (it mounts a tmpfs). Prints what it found; exit code 1 if anything is not as it should be.
# Usage: full_disk.sh [BUILD]
set -euo pipefail
build=$(realpath "${1:-build/dev}")
scratch=$(mktemp -d)
mkdir "$scratch/disk"
mount -t tmpfs -o size=24m tmpfs "$scratch/disk"
pid=
# shellcheck disable=SC2317 # the trap runs it
cleanup() {
  [[ -z $pid ]] || kill -9 "$pid" 2>/dev/null || true
  umount "$scratch/disk"
  rm -r "$scratch"
}
trap cleanup EXIT
failures=0
expect() {  # expect WHAT ACTUAL PATTERN
  if [[ $2 =~ $3 ]]; then
    echo "well: $1: ${2:0:160}"
  else
    echo "NOT AS IT SHOULD BE: $1: $2"
    failures=$((failures + 1))
  fi
}
start() {
  rm -f "$scratch/addresses"
  "$build/bin/alloclabd" --listen 127.0.0.1:0 --web-listen "" --metrics-listen "" --data-dir "$scratch/disk/data" \
    --address-file "$scratch/addresses" 2>>"$scratch/log" &
  pid=$!
  for _ in $(seq 600); do
    [[ ! -s $scratch/addresses ]] || break
    sleep 0.1
  done
  ALLOCLAB_SERVER=$(awk '/^grpc/ {print $2}' "$scratch/addresses")
  export ALLOCLAB_SERVER
}
end() {
  kill -"$1" "$pid"
  wait "$pid" || true
  pid=
}
lab() { "$build/bin/alloclab" "$@" 2>&1 | tr '\n' ' '; }

start
for i in 1 2 3 4 5; do lab submit steady-state --operations 20000 --seed "$i" >/dev/null; done
head -c 64M /dev/zero >"$scratch/disk/filler" 2>/dev/null || true
i=0
while ((i++ < 200)) && "$build/bin/alloclab" submit steady-state --operations 20000 >/dev/null 2>&1; do :; done
expect "a run on a full disk" "$(lab submit steady-state --operations 20000)" "the store cannot be written"
expect "the server says so" "$(lab server)" "the store cannot be written"
end KILL
start
expect "a start on a full disk" "$(lab runs show 1)" "succeeded|HEAP"
expect "deleting on a full disk" "$(lab runs delete 1; lab runs show 1)" "run 1 does not exist"
end KILL
rm "$scratch/disk/filler"
start
expect "a run when there is room" "$(lab submit steady-state --operations 20000)" "HEAP|heap"
expect "the server is well" "$(lab server)" "store +well"
expect "what failed is not interrupted" "$(lab runs list --state interrupted)" "No runs"
end TERM
expect "the store" "$("$build/bin/alloclabd" store check --data-dir "$scratch/disk/data")" "nothing is damaged"
mount -o remount,ro "$scratch/disk"
start
expect "a directory that cannot be written" "$(lab server)" "read-only"
expect "a run of it" "$(lab runs show 2)" "HEAP|heap"
expect "a run there" "$(lab submit steady-state --operations 20000)" "the store is read-only"
end TERM
echo "$failures of 11 are not as they should be"
exit $((failures > 0))
