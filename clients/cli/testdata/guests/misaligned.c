/* The 100th block is at 4 modulo 8. */
#include "bump.inc"
static int calls;
void *mm_malloc(size_t bytes) { return (char *)bump(bytes + 8) + (++calls == 100 ? 4 : 0); }
void mm_free(void *block) { (void)block; }
