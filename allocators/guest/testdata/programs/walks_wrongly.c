/* A heap that only grows, with a walker that goes wrong in the way that the last request asked for. */
#include "lab.h"

typedef unsigned int size_t;
void *mem_sbrk(int bytes);
void *mem_heap_lo(void);
void abort(void);

static unsigned way;

int mm_init(void) { return mem_sbrk(64) == (void *)-1 ? -1 : 0; }
void *mm_malloc(size_t bytes) {
  way = bytes;
  if (bytes == 99) *(volatile int *)4 = 1; /* dies */
  return mem_sbrk((bytes + 7) & ~7u);
}
void mm_free(void *block) { (void)block; }

int lab_walk(struct lab_block *block) {
  char *const start = mem_heap_lo();
  if (block->address != (void *)0) {
    if (way == 4) return 1;         /* the same one again */
    if (way == 5) block->bytes = 0; /* of no bytes */
    if (way == 9 && block->address == start) {
      block->address = start + 64; /* which is live */
      block->bytes = 8;
      return 1;
    }
    return way == 5;
  }
  block->address = start;
  block->bytes = 64;
  block->state = LAB_FREE;
  if (way == 1) *(volatile int *)0 = 1;
  if (way == 2)
    for (;;) {
    }
  if (way == 3) mem_sbrk(8);
  if (way == 6) abort();
  if (way == 7) block->state = LAB_OTHER, *(volatile int *)start = 0x1234; /* changes the heap, in vain */
  if (way == 8) {                                                         /* brings pages of its stack */
    volatile char room[100000];
    for (unsigned i = 0; i < sizeof(room); i += 4096) room[i] = 1;
  }
  if (way == 10) block->bytes = 72; /* reaches into what is live */
  return 1;
}
