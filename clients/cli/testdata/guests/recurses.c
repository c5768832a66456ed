/* Calls itself until the stack is full. */
#include "bump.inc"
static int calls;
static int deep(volatile int n) { volatile char frame[1000]; frame[n % 1000] = 1; return n < 0 ? 0 : deep(n + 1) + frame[0]; }
void *mm_malloc(size_t bytes) { return ++calls == 15 ? (void *)deep(1) : bump(bytes); }
void mm_free(void *block) { (void)block; }
