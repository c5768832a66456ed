/* Next fit over an implicit list with boundary tags, in the interface of the CMU malloc lab: a search begins where the last one
 * ended. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lab.h"
#include "memlib.h"
#include "mm.h"

team_t team = {"alloclab", "next fit", "", "", ""};

#define ALIGNMENT 8
#define OVERHEAD 8 /* header and footer */
#define SMALLEST 16
#define CHUNK 4096

#define WORD(at) (*(uint32_t *)(at))
#define SIZE(block) (WORD((char *)(block) - 4) & ~7u)
#define LIVE(block) (WORD((char *)(block) - 4) & 1)
#define NEXT(block) ((char *)(block) + SIZE(block))
#define BEFORE_SIZE(block) (WORD((char *)(block) - 8) & ~7u)
#define BEFORE_LIVE(block) (WORD((char *)(block) - 8) & 1)

static char *first, *rover;

static void mark(char *block, uint32_t size, uint32_t live) {
  WORD(block - 4) = size | live;
  WORD(block + size - 8) = size | live;
}

static char *coalesce(char *block) {
  uint32_t size = SIZE(block);
  char *const start = BEFORE_LIVE(block) ? block : block - BEFORE_SIZE(block);
  if (!LIVE(NEXT(block))) size += SIZE(NEXT(block));
  if (start != block) size += SIZE(start);
  mark(start, size, 0);
  if (rover > start && rover < start + size) rover = start;
  return start;
}

static char *extend(uint32_t bytes) {
  char *const block = mem_sbrk(bytes);
  if (block == (char *)-1) return NULL;
  mark(block, bytes, 0);
  WORD(block + bytes - 4) = 1;
  return coalesce(block);
}

int mm_init(void) {
  char *const start = mem_sbrk(16);
  if (start == (char *)-1) return -1;
  WORD(start) = 0;
  WORD(start + 4) = WORD(start + 8) = OVERHEAD | 1;
  WORD(start + 12) = 1;
  first = rover = start + 8;
  return extend(CHUNK) != NULL ? 0 : -1;
}

static char *search(char *from, char *to, uint32_t size) {
  for (char *at = from; at != to && SIZE(at) != 0; at = NEXT(at))
    if (!LIVE(at) && SIZE(at) >= size) return at;
  return NULL;
}

static void place(char *block, uint32_t size) {
  const uint32_t whole = SIZE(block);
  if (whole - size < SMALLEST) {
    mark(block, whole, 1);
    return;
  }
  mark(block, size, 1);
  mark(block + size, whole - size, 0);
}

void *mm_malloc(size_t bytes) {
  const uint32_t wanted = (bytes + OVERHEAD + ALIGNMENT - 1) & ~(ALIGNMENT - 1u);
  const uint32_t size = wanted < SMALLEST ? SMALLEST : wanted;
  char *block;
  if (bytes == 0 || wanted < bytes) return NULL;
  if ((block = search(rover, NULL, size)) == NULL && (block = search(first, rover, size)) == NULL &&
      (block = extend(size > CHUNK ? size : CHUNK)) == NULL)
    return NULL;
  place(block, size);
  rover = block;
  return block;
}

void mm_free(void *block) {
  if (block == NULL) return;
  mark(block, SIZE(block), 0);
  coalesce(block);
}

void *mm_realloc(void *block, size_t bytes) {
  char *moved;
  uint32_t kept;
  if (block == NULL) return mm_malloc(bytes);
  if ((moved = mm_malloc(bytes)) == NULL) return NULL;
  kept = SIZE(block) - OVERHEAD;
  memcpy(moved, block, kept < bytes ? kept : bytes);
  mm_free(block);
  return moved;
}

/* For the lab's map of the heap. */
int lab_walk(struct lab_block *block) {
  char *const at = block->address == NULL ? first : (char *)block->address + block->bytes + 4;
  if (SIZE(at) == 0) return 0;
  block->address = at - 4;
  block->bytes = SIZE(at);
  block->state = LIVE(at) ? LAB_LIVE : LAB_FREE;
  return 1;
}
