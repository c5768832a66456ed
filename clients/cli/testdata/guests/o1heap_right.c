/* o1heap: right. */
#include <stddef.h>
typedef struct { char *at, *end; } O1HeapInstance;
O1HeapInstance *o1heapInit(void *base, size_t bytes) {
  O1HeapInstance *heap = base;
  heap->at = (char *)base + 16;
  heap->end = (char *)base + bytes;
  return heap;
}
void *o1heapAllocate(O1HeapInstance *heap, size_t bytes) {
  char *block = heap->at;
  bytes = (bytes + 15) & ~15u;
  if (bytes == 0 || bytes > (size_t)(heap->end - block)) return NULL;
  heap->at += bytes;
  return block;
}
void o1heapFree(O1HeapInstance *heap, void *block) { (void)heap, (void)block; }
