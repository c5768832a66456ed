/* For page allocators in the style of xv6. */
#ifndef ALLOCLAB_SDK_MMU_H
#define ALLOCLAB_SDK_MMU_H

#define PGSIZE 4096
#define PGSHIFT 12
#define PGROUNDUP(size) (((size) + PGSIZE - 1) & ~(PGSIZE - 1UL))
#define PGROUNDDOWN(address) ((address) & ~(PGSIZE - 1UL))

#endif
