/* Realloc copies one word too few. */
#include <string.h>
#include "bump.inc"
void *mm_malloc(size_t bytes) { return bump(bytes); }
void mm_free(void *block) { (void)block; }
void *mm_realloc(void *block, size_t bytes) {
  void *moved = bump(bytes);
  size_t kept = block ? BYTES_OF(block) < bytes ? BYTES_OF(block) : bytes : 0;
  if (kept > 4) memcpy(moved, block, kept - 4);
  return moved;
}
