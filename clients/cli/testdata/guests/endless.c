/* Its list is a ring. */
#include "bump.inc"
static struct node { struct node *next; int calls; } ring = {&ring, 0};
void *mm_malloc(size_t bytes) {
  struct node *volatile at = &ring;
  if (++ring.calls == 30) while (at) at = at->next;
  return bump(bytes);
}
void mm_free(void *block) { (void)block; }
