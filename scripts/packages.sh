#!/bin/bash
# packages.sh SECTION...: the packages of these sections of packages.txt, one a line.
set -euo pipefail
exec awk -v wanted=" $* " '/^\[/ { section = substr($0, 2, length($0) - 2); next }
  NF && !/^#/ && index(wanted, " " section " ") && !seen[$1]++ { print $1 }' "$(dirname "${BASH_SOURCE[0]}")/packages.txt"
