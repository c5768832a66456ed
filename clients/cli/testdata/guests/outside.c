/* Gives memory on its stack. */
#include "bump.inc"
static int calls;
void *mm_malloc(size_t bytes) {
  static char *stack;
  char here[4096] __attribute__((aligned(16)));
  stack = here;
  __asm__ volatile("" : : "r"(stack) : "memory");
  return ++calls == 50 ? stack : bump(bytes);
}
void mm_free(void *block) { (void)block; }
