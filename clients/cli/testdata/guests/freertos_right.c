/* freertos: right, in the style of heap_1.c. */
#include <FreeRTOS.h>
#include <task.h>
static uint8_t heap[configTOTAL_HEAP_SIZE] __attribute__((aligned(8)));
static size_t used;
void *pvPortMalloc(size_t bytes) {
  void *block = NULL;
  vTaskSuspendAll();
  bytes = (bytes + portBYTE_ALIGNMENT_MASK) & ~(size_t)portBYTE_ALIGNMENT_MASK;
  if (bytes > 0 && bytes < sizeof(heap) - used) {
    block = heap + used;
    used += bytes;
  }
  traceMALLOC(block, bytes);
  xTaskResumeAll();
  return block;
}
void vPortFree(void *block) { (void)block; }
