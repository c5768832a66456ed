#!/bin/bash
# Shows what callers that want too much of the server's memory and time do to it: starts a server for each scenario of memory_abuse.cc
# and prints what was counted. By hand, some five minutes; nothing here fails on a slow machine.
#
#   cmake --build --preset dev --target alloclabd memory_abuse
#   server/robustness/memory.sh [--tls] [--token] [SCENARIO ...]    ALLOCLABD=PROGRAM for another server than that of build/dev
#
# Scenarios that begin with cgroup_ put the server into a cgroup of 1 GiB and leave its own bound to it; they need root and the
# memory controller of cgroups, version 1.
set -euo pipefail
cd "$(dirname "$0")/../.."
program=${ALLOCLABD:-build/dev/bin/alloclabd}
by_tls=
with_token=
while [[ ${1-} == --* ]]; do
  case $1 in
    --tls) by_tls=yes ;;
    --token) with_token=yes ;;
    *)
      echo "memory.sh: no option $1; there are --tls and --token" >&2
      exit 2
      ;;
  esac
  shift
done
scenarios=("$@")
[ ${#scenarios[@]} -gt 0 ] || scenarios=(callocs uploads dead_upload dead_checks long_batch walks cancel cancel_refused deletes)
[ ${#} -gt 0 ] || [ ! -w /sys/fs/cgroup/memory/cgroup.procs ] || scenarios+=(cgroup_callocs cgroup_uploads)
directory=$(mktemp -d)
server=
group=
stop() {
  if [ -n "$server" ]; then
    kill -KILL "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  [ -z "$group" ] || rmdir "$group"
  rm -rf "$directory"
}
trap stop EXIT
secured=()
if [ -n "$by_tls" ]; then
  "$(dirname "$program")/alloclab" tls init --directory "$directory/tls" --host 127.0.0.1 >/dev/null
  secured=(--tls-cert "$directory/tls/server.pem" --tls-key "$directory/tls/server.key")
  export ALLOCLAB_CA=$directory/tls/ca.pem
fi

for scenario in "${scenarios[@]}"; do
  echo "$scenario"
  options=()
  case $scenario in
    callocs) options=(--memory-max 100Mi) ;;
    uploads) options=(--memory-max 512Mi) ;;
    cgroup_*)
      group=/sys/fs/cgroup/memory$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup)/alloclab-$$
      mkdir "$group"
      echo 1G >"$group/memory.limit_in_bytes"
      ;;
    *) options=(--memory-max 8Gi) ;;
  esac
  rm -rf "$directory/data" "$directory/addresses"
  if [ -n "$with_token" ]; then
    ALLOCLAB_TOKEN=$("$program" token create robustness --role admin --data-dir "$directory/data" 2>/dev/null)
    export ALLOCLAB_TOKEN
  fi
  # shellcheck disable=SC2016 # the inner shell expands it
  bash -c '[ -z "$0" ] || echo $$ >"$0/cgroup.procs"; exec "$@"' "$group" \
    "$program" --data-dir "$directory/data" --listen 127.0.0.1:0 --web-listen "" --metrics-listen "" \
    --address-file "$directory/addresses" "${secured[@]}" "${options[@]}" >"$directory/log" 2>&1 &
  server=$!
  until [ -s "$directory/addresses" ]; do sleep 0.1; done
  address=$(sed -n 's/^grpc //p' "$directory/addresses")
  build/dev/bin/memory_abuse "${scenario#cgroup_}" "$address" "$server" || echo "  memory_abuse ended with $?"
  began=$(date +%s%N)
  kill -TERM "$server" 2>/dev/null || echo "  the server is gone"
  wait "$server" || true
  server=
  echo "  SIGTERM to the end: $((($(date +%s%N) - began) / 1000000)) ms"
  if [ -n "$group" ]; then
    echo "  most of the cgroup's 1024 MiB: $(($(<"$group/memory.max_usage_in_bytes") >> 20)) MiB, $(grep oom_kill "$group/memory.oom_control" | tail -1)"
    rmdir "$group"
    group=
  fi
done
