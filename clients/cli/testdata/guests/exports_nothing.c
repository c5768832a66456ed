#include "bump.inc"
void *my_malloc(size_t bytes) { return bump(bytes); }
