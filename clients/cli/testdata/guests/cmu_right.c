/* cmu: right, with mm_init that gives bool, headers of the kit, and a division of 64 bits. */
#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "config.h"
#include "memlib.h"
#include "mm.h"
#include "bump.inc"
static unsigned long long asked, calls;
bool mm_init(void) { return true; }
void *mm_malloc(size_t bytes) {
  asked += bytes;
  assert(asked / ++calls < MAX_HEAP);
  return bump(bytes);
}
void mm_free(void *block) { (void)block; }
void *mm_realloc(void *block, size_t bytes) {
  void *moved = bump(bytes);
  if (block) memcpy(moved, block, BYTES_OF(block) < bytes ? BYTES_OF(block) : bytes);
  return moved;
}
void mm_checkheap(int line) { if (asked == 0) printf("nothing was asked at line %d\n", line); }
