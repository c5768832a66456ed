/* Stands in for FreeRTOS, as far as heap_1.c to heap_5.c look at it: one task, no interrupts, an 8-byte alignment. */
#ifndef ALLOCLAB_SDK_FREERTOS_H
#define ALLOCLAB_SDK_FREERTOS_H

#ifdef __cplusplus
extern "C" {
#endif

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef int BaseType_t;
typedef unsigned int UBaseType_t;
typedef uint32_t TickType_t;
typedef uint32_t portPOINTER_SIZE_TYPE;

#define pdFALSE 0
#define pdTRUE 1
#define pdFAIL pdFALSE
#define pdPASS pdTRUE
#define PRIVILEGED_FUNCTION
#define PRIVILEGED_DATA
#define portBYTE_ALIGNMENT 8
#define portBYTE_ALIGNMENT_MASK 7
#define portMAX_DELAY 0xFFFFFFFFu

#ifndef configTOTAL_HEAP_SIZE
#define configTOTAL_HEAP_SIZE (16u << 20)
#endif
#define configSUPPORT_DYNAMIC_ALLOCATION 1
#define configSUPPORT_STATIC_ALLOCATION 0
#define configUSE_MALLOC_FAILED_HOOK 0
#define configAPPLICATION_ALLOCATED_HEAP 0
#define configENABLE_HEAP_PROTECTOR 0
#ifndef configHEAP_CLEAR_MEMORY_ON_FREE
#define configHEAP_CLEAR_MEMORY_ON_FREE 0
#endif
#define configADJUSTED_HEAP_SIZE (configTOTAL_HEAP_SIZE - portBYTE_ALIGNMENT)

#define configASSERT(condition) \
  ((condition) ? (void)0 : __assert_fail(#condition, __FILE__, __LINE__, __func__))
#define mtCOVERAGE_TEST_MARKER()
#define mtCOVERAGE_TEST_DELAY()
#define traceMALLOC(block, bytes) ((void)(block), (void)(bytes))
#define traceFREE(block, bytes) ((void)(block), (void)(bytes))
#define taskENTER_CRITICAL()
#define taskEXIT_CRITICAL()

typedef struct xHEAP_STATS {
  size_t xAvailableHeapSpaceInBytes, xSizeOfLargestFreeBlockInBytes, xSizeOfSmallestFreeBlockInBytes;
  size_t xNumberOfFreeBlocks, xMinimumEverFreeBytesRemaining;
  size_t xNumberOfSuccessfulAllocations, xNumberOfSuccessfulFrees;
} HeapStats_t;
typedef struct HeapRegion {
  uint8_t *pucStartAddress;
  size_t xSizeInBytes;
} HeapRegion_t;

void *pvPortMalloc(size_t bytes);
void *pvPortCalloc(size_t count, size_t bytes);
void vPortFree(void *block);
void vPortGetHeapStats(HeapStats_t *statistics);
size_t xPortGetFreeHeapSize(void);
size_t xPortGetMinimumEverFreeHeapSize(void);
void vPortInitialiseBlocks(void);
void vPortHeapResetState(void);

void __assert_fail(const char *condition, const char *file, unsigned line, const char *function) __attribute__((noreturn));

#ifdef __cplusplus
}
#endif

#endif
