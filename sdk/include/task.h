/* Stands in for the scheduler of FreeRTOS: there is one task. */
#ifndef ALLOCLAB_SDK_TASK_H
#define ALLOCLAB_SDK_TASK_H

#ifdef __cplusplus
extern "C" {
#endif

#include <FreeRTOS.h>

static inline void vTaskSuspendAll(void) {}
static inline BaseType_t xTaskResumeAll(void) { return pdTRUE; }

#ifdef __cplusplus
}
#endif

#endif
