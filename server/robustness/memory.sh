#!/bin/bash
# Shows what callers that want too much of the server's memory and time do to it: starts a server for each scenario of memory_abuse.cc
# and prints what was counted. By hand, some five minutes; nothing here fails on a slow machine.
#
#   cmake --build --preset dev --target alloclabd memory_abuse
#   server/robustness/memory.sh [SCENARIO ...]        ALLOCLABD=PROGRAM for another server than that of build/dev
set -euo pipefail
cd "$(dirname "$0")/../.."
program=${ALLOCLABD:-build/dev/bin/alloclabd}
scenarios=("$@")
[ ${#scenarios[@]} -gt 0 ] || scenarios=(callocs uploads dead_upload dead_checks long_batch walks cancel deletes)
directory=$(mktemp -d)
server=
stop() { [ -z "$server" ] || kill -KILL "$server" 2>/dev/null || true; rm -rf "$directory"; }
trap stop EXIT

for scenario in "${scenarios[@]}"; do
  echo "$scenario"
  options=()
  case $scenario in
    callocs) options=(--memory-max 100Mi) ;;
    uploads) options=(--memory-max 512Mi) ;;
    *) options=(--memory-max 8Gi) ;;
  esac
  rm -rf "$directory/data" "$directory/addresses"
  "$program" --data-dir "$directory/data" --listen 127.0.0.1:0 --web-listen "" --metrics-listen "" --address-file "$directory/addresses" \
    "${options[@]}" >"$directory/log" 2>&1 &
  server=$!
  until [ -s "$directory/addresses" ]; do sleep 0.1; done
  address=$(sed -n 's/^grpc //p' "$directory/addresses")
  build/dev/bin/memory_abuse "$scenario" "$address" "$server" || echo "  memory_abuse ended with $?"
  began=$(date +%s%N)
  kill -TERM "$server" 2>/dev/null || echo "  the server is gone"
  wait "$server" || true
  server=
  echo "  SIGTERM to the end: $((($(date +%s%N) - began) / 1000000)) ms"
done
