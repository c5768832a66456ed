/* The memory system of the CMU malloc lab, whose program break is the simulated one. */
#ifndef ALLOCLAB_SDK_MEMLIB_H
#define ALLOCLAB_SDK_MEMLIB_H

#ifdef __cplusplus
extern "C" {
#endif

#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

void mem_init(void);
void mem_deinit(void);
void mem_reset_brk(void);
void *mem_sbrk(intptr_t bytes);
void *mem_heap_lo(void);
void *mem_heap_hi(void);
size_t mem_heapsize(void);
size_t mem_pagesize(void);
void *mem_memcpy(void *to, const void *from, size_t bytes);
void *mem_memset(void *to, int value, size_t bytes);

#ifdef __cplusplus
}
#endif

#endif
