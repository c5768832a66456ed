# For those who build themselves: set ALLOCLAB_SDK to this directory (alloclab guest sdk DIRECTORY writes it), include this file,
# and `make mm.elf` builds mm.c for the simulated i386. With clang: make LAB_CC=clang mm.elf
ALLOCLAB_SDK ?= alloclab-sdk
LAB_CC ?= gcc
LAB_OPTIMISE ?= -O2
LAB_CFLAGS = $(LAB_OPTIMISE) -g -march=i686 -mno-sse -mno-mmx -ffreestanding -fno-pic -fno-pie -fno-stack-protector \
  -fcf-protection=none -fno-asynchronous-unwind-tables -std=gnu11 -fcommon -fgnu89-inline -isystem $(ALLOCLAB_SDK)/include
ifneq (,$(findstring clang,$(LAB_CC)))
LAB_COMPILE = $(LAB_CC) --target=i386-unknown-elf -nostdlibinc $(LAB_CFLAGS)
LAB_LINK = ld.lld -m elf_i386 -static --image-base=0x08048000 --build-id=none -e 0
else
LAB_COMPILE = $(LAB_CC) -m32 -fno-tree-loop-distribute-patterns -nostdinc $(LAB_CFLAGS) \
  -isystem $(shell $(LAB_CC) -print-file-name=include)
LAB_LINK = $(LAB_CC) -m32 -static -no-pie -nostdlib -Wl,--build-id=none -Wl,-z,noexecstack -Wl,-e,0 -Wl,-Ttext=0x08049000
endif

%.elf: %.c $(ALLOCLAB_SDK)/rt.c
	$(LAB_COMPILE) -c $< -o $*.lab.o
	$(LAB_COMPILE) -c $(ALLOCLAB_SDK)/rt.c -o $*.rt.o
	$(LAB_LINK) -o $@ $*.lab.o $*.rt.o
