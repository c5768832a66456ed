/* What a program may export to show the lab its blocks: without it the lab knows those that are live, and not what is free.
 *
 *   int lab_walk(struct lab_block *block);
 *
 * is called again and again: with an address of NULL it fills in the block that is first in memory, then each time the one that
 * follows; it returns 0 when there is none. Blocks come in the order of their addresses; what lies between them the lab takes for
 * words of the allocator. It must only look: whatever it changes is undone, and not counted. */
#ifndef ALLOCLAB_SDK_LAB_H
#define ALLOCLAB_SDK_LAB_H

#ifdef __cplusplus
extern "C" {
#endif

enum lab_state { LAB_FREE, LAB_LIVE, LAB_OTHER };

struct lab_block {
  void *address;  /* of its first byte, with what the allocator keeps in it */
  unsigned bytes; /* likewise */
  enum lab_state state;
};

int lab_walk(struct lab_block *block);

/* The arena of a page allocator: its first page, and one past its last. */
void *lab_arena_first(void);
void *lab_arena_end(void);

#ifdef __cplusplus
}
#endif

#endif
