# For those who build themselves: set ALLOCLAB_SDK to this directory (alloclab guest sdk DIRECTORY writes it), include this file,
# and `make mm.elf` builds mm.c for the simulated i386. With clang: make LAB_CC=clang mm.elf. A page allocator, which lies where
# RAM is: make LAB_PAGES=1 kalloc.elf. Rust's mm.rs is built likewise, after its core library, whose sources are LAB_RUST_CORE
# (Debian: apt install rustc rust-src): no distribution has that library for a processor without SSE.
ALLOCLAB_SDK ?= alloclab-sdk
LAB_CC ?= gcc
LAB_OPTIMISE ?= -O2
LAB_CFLAGS = $(LAB_OPTIMISE) -g -march=i686 -mno-sse -mno-mmx -ffreestanding -fno-pic -fno-pie -fno-stack-protector \
  -fcf-protection=none -fno-asynchronous-unwind-tables -std=gnu11 -fcommon -fgnu89-inline -isystem $(ALLOCLAB_SDK)/include
ifneq (,$(findstring clang,$(LAB_CC)))
LAB_COMPILE = $(LAB_CC) --target=i386-unknown-elf -nostdlibinc $(LAB_CFLAGS)
LAB_LINK = ld.lld -m elf_i386 -static --build-id=none -e 0
LAB_PLACE = --image-base=0x08048000
LAB_PLACE_PAGES = --image-base=0x100000
else
LAB_COMPILE = $(LAB_CC) -m32 -fno-tree-loop-distribute-patterns -nostdinc $(LAB_CFLAGS) \
  -isystem $(shell $(LAB_CC) -print-file-name=include)
LAB_LINK = $(LAB_CC) -m32 -static -no-pie -nostdlib -Wl,--build-id=none -Wl,-z,noexecstack -Wl,-e,0
LAB_PLACE = -Wl,-Ttext=0x08049000
LAB_PLACE_PAGES = -Wl,-Ttext-segment=0x100000
endif

%.elf: %.c $(ALLOCLAB_SDK)/rt.c
	$(LAB_COMPILE) -c $< -o $*.lab.o
	$(LAB_COMPILE) -c $(ALLOCLAB_SDK)/rt.c -o $*.rt.o
	$(LAB_LINK) $(if $(LAB_PAGES),$(LAB_PLACE_PAGES),$(LAB_PLACE)) -o $@ $*.lab.o $*.rt.o

LAB_RUSTC ?= $(firstword $(wildcard /usr/bin/rustc) rustc)
LAB_RUST_CORE ?= $(firstword $(wildcard /usr/src/rustc-*/library/core/src/lib.rs))
LAB_RUST = RUSTC_BOOTSTRAP=1 $(LAB_RUSTC) --edition 2021 --target i586-unknown-linux-gnu -C target-cpu=i686 -C opt-level=2 \
  -C panic=abort -C relocation-model=static

lab-rust/libcore.rlib:
	mkdir -p lab-rust
	$(LAB_RUST) --crate-type rlib --crate-name core --cap-lints allow --out-dir lab-rust $(LAB_RUST_CORE)
	echo '#![feature(compiler_builtins)] #![compiler_builtins] #![no_std]' > lab-rust/builtins.rs
	$(LAB_RUST) --crate-type rlib --crate-name compiler_builtins --cap-lints allow -L lab-rust --out-dir lab-rust lab-rust/builtins.rs

%.elf: %.rs lab-rust/libcore.rlib $(ALLOCLAB_SDK)/rt.c
	$(LAB_RUST) -g --crate-type lib --emit obj -L lab-rust -o $*.lab.o $<
	$(LAB_COMPILE) -c $(ALLOCLAB_SDK)/rt.c -o $*.rt.o
	$(LAB_LINK) $(if $(LAB_PAGES),$(LAB_PLACE_PAGES),$(LAB_PLACE)) -o $@ $*.lab.o $*.rt.o lab-rust/libcore.rlib
