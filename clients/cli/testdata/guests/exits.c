/* Ends in the middle, with a message. */
#include <stdio.h>
#include <stdlib.h>
#include "bump.inc"
static int calls;
void *mm_malloc(size_t bytes) {
  if (++calls == 10) { fprintf(stderr, "giving up after %d calls\n", calls); exit(3); }
  return bump(bytes);
}
void mm_free(void *block) { (void)block; }
