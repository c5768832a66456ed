/* An explicit list of free blocks, newest first, with boundary tags; first fit. Realloc grows in place where it can. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lab.h"
#include "memlib.h"
#include "mm.h"

struct block {
  uint32_t tag;                /* size and 1: live; in front of what the caller gets */
  struct block *newer, *older; /* of a free one */
};

#define OVERHEAD 8
#define SMALLEST 16
#define CHUNK 4096

#define SIZE(block) ((block)->tag & ~7u)
#define LIVE(block) ((block)->tag & 1)
#define AT(from, bytes) ((struct block *)((char *)(from) + (bytes)))
#define FOOT(block) (*(uint32_t *)((char *)(block) + SIZE(block) - 4))
#define FOOT_BEFORE(block) (*(uint32_t *)((char *)(block)-4))

static struct block *newest;

static void mark(struct block *block, uint32_t size, uint32_t live) {
  block->tag = size | live;
  FOOT(block) = size | live;
}
static void link_in(struct block *block) {
  block->newer = NULL;
  block->older = newest;
  if (newest != NULL) newest->newer = block;
  newest = block;
}
static void unlink_it(struct block *block) {
  if (block->newer != NULL) block->newer->older = block->older;
  else newest = block->older;
  if (block->older != NULL) block->older->newer = block->newer;
}

/* Makes a block free, together with its neighbours that are. */
static struct block *release(struct block *block, uint32_t size) {
  struct block *const next = AT(block, size);
  if (!LIVE(next)) {
    unlink_it(next);
    size += SIZE(next);
  }
  if (!(FOOT_BEFORE(block) & 1)) {
    block = AT(block, -(int)(FOOT_BEFORE(block) & ~7u));
    unlink_it(block);
    size += SIZE(block);
  }
  mark(block, size, 0);
  link_in(block);
  return block;
}

static struct block *extend(uint32_t bytes) {
  char *const end = mem_sbrk(bytes);
  if (end == (char *)-1) return NULL;
  *(uint32_t *)(end + bytes - 4) = 1; /* the new end of the chain */
  return release((struct block *)(end - 4), bytes);
}

int mm_init(void) {
  uint32_t *const start = mem_sbrk(8);
  if (start == (void *)-1) return -1;
  newest = NULL;
  start[0] = 1; /* a footer in front of all blocks, and the end of the chain */
  start[1] = 1;
  return 0;
}

static void place(struct block *block, uint32_t size, uint32_t whole) {
  if (whole - size < SMALLEST) {
    mark(block, whole, 1);
    return;
  }
  mark(block, size, 1);
  mark(AT(block, size), whole - size, 0);
  link_in(AT(block, size));
}

static uint32_t size_of(size_t bytes) {
  const uint32_t size = (bytes + OVERHEAD + 7) & ~7u;
  return size < SMALLEST ? SMALLEST : size;
}

void *mm_malloc(size_t bytes) {
  const uint32_t size = size_of(bytes);
  struct block *block;
  if (bytes == 0 || bytes > 0x7FFFFF00u) return NULL;
  for (block = newest; block != NULL && SIZE(block) < size; block = block->older) {
  }
  if (block == NULL && (block = extend(size > CHUNK ? size : CHUNK)) == NULL) return NULL;
  unlink_it(block);
  place(block, size, SIZE(block));
  return (char *)block + 4;
}

void mm_free(void *memory) {
  struct block *const block = AT(memory, -4);
  if (memory != NULL) release(block, SIZE(block));
}

void *mm_realloc(void *memory, size_t bytes) {
  struct block *const block = AT(memory, -4), *next;
  const uint32_t size = size_of(bytes);
  void *moved;
  if (memory == NULL) return mm_malloc(bytes);
  if (size <= SIZE(block)) return memory;
  next = AT(block, SIZE(block));
  if (!LIVE(next) && SIZE(block) + SIZE(next) >= size) {
    unlink_it(next);
    place(block, size, SIZE(block) + SIZE(next));
    return memory;
  }
  if ((moved = mm_malloc(bytes)) == NULL) return NULL;
  memcpy(moved, memory, SIZE(block) - OVERHEAD);
  mm_free(memory);
  return moved;
}

/* For --check mm_checkheap: says what is wrong. */
void mm_checkheap(int line) {
  for (struct block *block = newest; block != NULL; block = block->older) {
    if (LIVE(block)) printf("line %d: block %p is in the list, and live\n", line, (void *)block);
    if (block->tag != FOOT(block)) printf("line %d: block %p: header %x, footer %x\n", line, (void *)block, block->tag, FOOT(block));
  }
}

/* For the lab's map of the heap. */
int lab_walk(struct lab_block *block) {
  struct block *const at = block->address == NULL ? AT(mem_heap_lo(), 4) : AT(block->address, block->bytes);
  if (SIZE(at) == 0) return 0;
  block->address = at;
  block->bytes = SIZE(at);
  block->state = LIVE(at) ? LAB_LIVE : LAB_FREE;
  return 1;
}
