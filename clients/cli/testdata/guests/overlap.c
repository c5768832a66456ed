/* Reuses the block that was freed last, whatever size it had. */
#include "bump.inc"
static void *last;
void *mm_malloc(size_t bytes) {
  void *block = last;
  last = NULL;
  return block ? block : bump(bytes);
}
void mm_free(void *block) { last = block; }
