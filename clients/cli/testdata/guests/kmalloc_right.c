/* kmalloc: right, with flags. */
#include <string.h>
#include "bump.inc"
void *kmalloc(size_t bytes, unsigned flags) { return flags == 0 ? bump(bytes) : NULL; }
void kfree(const void *block) { (void)block; }
void *krealloc(const void *block, size_t bytes, unsigned flags) {
  void *moved = kmalloc(bytes, flags);
  if (block) memcpy(moved, block, BYTES_OF(block) < bytes ? BYTES_OF(block) : bytes);
  return moved;
}
