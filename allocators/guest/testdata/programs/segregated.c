/* Free lists of powers of two, first fit by class, a word in front of each block for its class; blocks are never split or merged. */
typedef unsigned int size_t;
void *sbrk(int bytes);

#define CLASSES 27
struct block {
  unsigned class;
  unsigned padding;
  struct block *next;
};
static struct block *lists[CLASSES];

void *malloc(size_t bytes) {
  unsigned class = 4;
  struct block *block;
  while (class < CLASSES && (1u << class) - 8 < bytes) ++class;
  if (bytes == 0 || class == CLASSES) return 0;
  block = lists[class];
  if (block) {
    lists[class] = block->next;
  } else {
    unsigned size = 1u << class, rest = size < 4096 ? 4096 : size;
    char *more = sbrk(rest);
    if (more == (char *)-1) return 0;
    block = (struct block *)more;
    block->class = class;
    while ((rest -= size) != 0) {
      struct block *other = (struct block *)(more + rest);
      other->class = class;
      other->next = lists[class];
      lists[class] = other;
    }
  }
  return (char *)block + 8;
}

void free(void *address) {
  struct block *block = (struct block *)((char *)address - 8);
  if (!address) return;
  block->next = lists[block->class];
  lists[block->class] = block;
}
