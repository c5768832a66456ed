/* zephyr: right; the heap's own struct is in front of the pool. */
#include <stddef.h>
struct sys_heap { char *at; void *init_mem; size_t init_bytes; };
void sys_heap_init(struct sys_heap *heap, void *mem, size_t bytes) {
  heap->at = heap->init_mem = mem;
  heap->init_bytes = bytes;
}
void *sys_heap_alloc(struct sys_heap *heap, size_t bytes) {
  char *block = heap->at;
  bytes = (bytes + 7) & ~7u;
  if (bytes == 0 || bytes > heap->init_bytes - (block - (char *)heap->init_mem)) return NULL;
  heap->at += bytes;
  return block;
}
void sys_heap_free(struct sys_heap *heap, void *block) { (void)heap, (void)block; }
