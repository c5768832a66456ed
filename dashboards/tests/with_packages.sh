#!/bin/bash
# with_packages.sh PROGRAM...: runs it with the packages of package-lock.json installed beside this file. Where the registry cannot be
# reached it says so, and what it was to run counts as skipped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

install_packages() {
  cmp -s package-lock.json node_modules/of-lock.json && return
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error &&
    cp package-lock.json node_modules/of-lock.json
}

exec 9>>.npm.lock
flock 9  # tests that run side by side install once
if ! said=$(install_packages 2>&1); then
  printf '%s\n' "$said"
  if grep -qE 'ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT' <<<"$said"; then
    echo "SKIPPED: the npm registry cannot be reached"
    exit 0
  fi
  exit 1
fi
exec 9>&-
exec "$@"
