/* Segregated fits in the interface of the C library, over sbrk: a list of free blocks for each power of two, best of the first few
 * that fit, boundary tags. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lab.h"
#include "memlib.h"

struct block {
  uint32_t tag; /* size and 1: live */
  struct block *next, *before;
};

#define CLASSES 28
#define SMALLEST 16
#define CHUNK 4096
#define TRIES 8
#define SIZE(block) ((block)->tag & ~7u)
#define AT(from, bytes) ((struct block *)((char *)(from) + (bytes)))
#define FOOT(block) (*(uint32_t *)((char *)(block) + SIZE(block) - 4))

static struct block *lists[CLASSES];
static int made;

static int class_of(uint32_t size) { return 27 - __builtin_clz(size); } /* 16 is in 0 */
static void mark(struct block *block, uint32_t size, uint32_t live) {
  block->tag = size | live;
  FOOT(block) = size | live;
}
static void link_in(struct block *block) {
  struct block **const list = &lists[class_of(SIZE(block))];
  block->before = NULL;
  block->next = *list;
  if (*list != NULL) (*list)->before = block;
  *list = block;
}
static void unlink_it(struct block *block) {
  if (block->before != NULL) block->before->next = block->next;
  else lists[class_of(SIZE(block))] = block->next;
  if (block->next != NULL) block->next->before = block->before;
}
static void release(struct block *block, uint32_t size) {
  struct block *const next = AT(block, size);
  const uint32_t before = ((uint32_t *)block)[-1];
  if (!(next->tag & 1)) {
    unlink_it(next);
    size += SIZE(next);
  }
  if (!(before & 1)) {
    block = AT(block, -(int)(before & ~7u));
    unlink_it(block);
    size += SIZE(block);
  }
  mark(block, size, 0);
  link_in(block);
}
static int extend(uint32_t bytes) {
  if (!made) {
    uint32_t *const start = sbrk(8);
    if (start == (void *)-1) return 0;
    start[0] = start[1] = 1;
    made = 1;
  }
  char *const end = sbrk(bytes);
  if (end == (char *)-1) return 0;
  *(uint32_t *)(end + bytes - 4) = 1;
  release((struct block *)(end - 4), bytes);
  return 1;
}
static struct block *find(uint32_t size) {
  for (int class = class_of(size); class < CLASSES; ++class) {
    struct block *best = NULL;
    int tries = TRIES;
    for (struct block *block = lists[class]; block != NULL && (best == NULL || tries-- > 0); block = block->next)
      if (SIZE(block) >= size && (best == NULL || SIZE(block) < SIZE(best))) best = block;
    if (best != NULL) return best;
  }
  return NULL;
}

void *malloc(size_t bytes) {
  uint32_t size = (bytes + 8 + 7) & ~7u;
  struct block *block;
  if (bytes == 0 || bytes > 0x7FFFFF00u) return NULL;
  if (size < SMALLEST) size = SMALLEST;
  if ((block = find(size)) == NULL && (!extend(size > CHUNK ? size : CHUNK) || (block = find(size)) == NULL)) {
    errno = ENOMEM;
    return NULL;
  }
  unlink_it(block);
  const uint32_t whole = SIZE(block);
  if (whole - size >= SMALLEST) {
    mark(AT(block, size), whole - size, 0);
    link_in(AT(block, size));
    mark(block, size, 1);
  } else {
    mark(block, whole, 1);
  }
  return (char *)block + 4;
}
void free(void *memory) {
  if (memory != NULL) release(AT(memory, -4), SIZE(AT(memory, -4)));
}
void *realloc(void *memory, size_t bytes) {
  const uint32_t had = memory != NULL ? SIZE(AT(memory, -4)) - 8 : 0;
  if (memory != NULL && bytes <= had) return memory;
  void *const moved = malloc(bytes);
  if (moved == NULL || memory == NULL) return moved;
  memcpy(moved, memory, had);
  free(memory);
  return moved;
}
void *calloc(size_t count, size_t bytes) {
  void *const memory = malloc(count * bytes);
  return memory != NULL ? memset(memory, 0, count * bytes) : NULL;
}

/* For the lab's map of the heap. */
int lab_walk(struct lab_block *block) {
  struct block *at;
  if (!made) return 0;
  at = block->address == NULL ? AT(mem_heap_lo(), 4) : AT(block->address, block->bytes);
  if (SIZE(at) == 0) return 0;
  block->address = at;
  block->bytes = SIZE(at);
  block->state = at->tag & 1 ? LAB_LIVE : LAB_FREE;
  return 1;
}
