#!/bin/bash
# Builds the programs of the tests anew, with clang and lld, on any host: testdata/programs/NAME.elf from NAME.c and rt.c.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
for name in implicit kr misbehaves segregated; do
  clang --target=i386-unknown-elf -march=i686 -mno-sse -O2 -ffreestanding -fno-pic -fno-builtin -nostdlib -static \
    -fuse-ld=lld -Wl,--image-base=0x08048000 -Wl,--build-id=none -Wl,-e,0 -w -o "$name.elf" "$name.c" rt.c
done
