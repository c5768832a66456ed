#include "bump.inc"
void *mm_malloc(size_t bytes) { return bump(bytes) }
