/* A page allocator of runs, first fit by a byte for each page, in the interface of Pintos. */
#include <stdint.h>
#include <string.h>

enum { kPages = 65536, kPageBytes = 4096 };
static unsigned char taken[kPages];
static char *arena;
static unsigned pages;

void pages_init(char *first, char *end) {
  arena = first;
  pages = (end - first) / kPageBytes;
  if (pages > kPages) pages = kPages;
}

void *palloc_get_multiple(int flags, unsigned count) {
  (void)flags;
  for (unsigned first = 0, row = 0, page = 0; page < pages; ++page) {
    row = taken[page] ? 0 : row + 1;
    first = page + 1 - row;
    if (row != count) continue;
    memset(&taken[first], 1, count);
    return arena + first * kPageBytes;
  }
  return 0;
}

void palloc_free_multiple(char *first, unsigned count) { memset(&taken[(first - arena) / kPageBytes], 0, count); }
