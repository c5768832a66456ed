/* For page allocators in the style of xv6: a kernel that sees RAM at itself. The arena begins at the linker's symbol `end`, rounded
 * up to a page, and PHYSTOP is one past its last byte. */
#ifndef ALLOCLAB_SDK_MEMLAYOUT_H
#define ALLOCLAB_SDK_MEMLAYOUT_H

#include <lab.h>

#define KERNBASE 0
#define PHYSTOP ((unsigned long)lab_arena_end())
#define V2P(address) ((unsigned)(address))
#define P2V(address) ((void *)(address))

#endif
