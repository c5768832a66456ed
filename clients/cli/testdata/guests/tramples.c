/* Writes its footer one word too far: into the block behind. */
#include "bump.inc"
static void footer(char *block, size_t bytes) {
  *(uint32_t *)(block + ((bytes + 7) & ~7u) + 8) = 0xF007;
}
void *mm_malloc(size_t bytes) { return bump(bytes); }
void mm_free(void *block) {
  if ((char *)block + BYTES_OF(block) + 24 < (char *)sbrk(0)) footer(block, BYTES_OF(block));
}
