#!/bin/bash
# Compiles every source with clang and its analysis of locks, into build/clang; links and runs nothing. Again only what changed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
cmake --preset clang
cmake --build --preset clang --parallel "$(nproc)"
