/* Has 8 KiB, and then no more. */
#include <FreeRTOS.h>
static uint8_t heap[8192] __attribute__((aligned(8)));
static size_t used;
void *pvPortMalloc(size_t bytes) {
  bytes = (bytes + 7) & ~7u;
  if (bytes > sizeof(heap) - used) return NULL;
  used += bytes;
  return heap + used - bytes;
}
void vPortFree(void *block) { (void)block; }
