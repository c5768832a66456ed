#!/bin/bash
# Builds the programs of the tests anew, with clang and lld, on any host: testdata/programs/NAME.elf from NAME.c and rt.c, and
# those of the SDK's examples that are here too, with debug information. Version 14.0.6 gives the bytes that are here.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
sdk=$(realpath ../../../../sdk)
build() {
  local name=$1 base=${base:-0x08048000}
  shift
  clang --target=i386-unknown-elf -march=i686 -mno-sse -O2 -ffreestanding -fno-pic -fno-builtin -nostdlib -static \
    -fdebug-compilation-dir=. -ffile-prefix-map="$sdk"=sdk -fuse-ld=lld -Wl,--image-base=$base -Wl,--build-id=none -Wl,-e,0 -w -o "$name.elf" "$@"
}
for name in implicit kr misbehaves segregated; do build "$name" "$name.c" rt.c; done
build walks_wrongly -isystem "$sdk/include" -g walks_wrongly.c rt.c
build explicit_list -nostdlibinc -isystem "$sdk/include" -g "$sdk/examples/explicit_list.c" "$sdk/rt.c"
# Page allocators lie where RAM is.
export base=0x100000
for name in buddy_pages gives_none pages_misbehave; do build "$name" -g "$name.c"; done
build kalloc -nostdlibinc -isystem "$sdk/include" -g "$sdk/examples/kalloc.c" "$sdk/rt.c"
