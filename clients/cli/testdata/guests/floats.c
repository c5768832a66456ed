/* Floating point: the simulated processor has none. */
#include "bump.inc"
static volatile double factor = 1.5;
void *mm_malloc(size_t bytes) { return bump((size_t)((double)bytes * factor)); }
void mm_free(void *block) { (void)block; }
