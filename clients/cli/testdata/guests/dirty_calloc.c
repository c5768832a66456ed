/* Calloc forgets to clear what it takes from a used block. */
#include <string.h>
#include "bump.inc"
void *mm_malloc(size_t bytes) { void *block = bump(bytes); return block ? memset(block, 1, bytes) : block; }
void mm_free(void *block) { (void)block; }
void *mm_calloc(size_t count, size_t bytes) { return mm_malloc(count * bytes); }
