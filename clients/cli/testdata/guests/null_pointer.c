/* Reads through null. */
#include "bump.inc"
static int calls;
static struct node { struct node *next; } *list;
void *mm_malloc(size_t bytes) { return ++calls == 20 ? list->next->next : bump(bytes); }
void mm_free(void *block) { (void)block; }
