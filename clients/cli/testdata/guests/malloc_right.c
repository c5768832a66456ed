/* malloc: right; without realloc and calloc, so the lab's are used. */
#include "bump.inc"
void *malloc(size_t bytes) { return bump(bytes); }
void free(void *block) { (void)block; }
