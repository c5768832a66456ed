/* A binary buddy system over runs of pages, in the interface of Linux: an order for each page of the arena, in its first pages. */
enum { kOrders = 11, kPageBytes = 4096 };
typedef unsigned long word;

struct block {
  struct block *next, *prev;
};
static struct block lists[kOrders];
static word arena, pages;
static signed char *free_order; /* by page: of a free block that begins there; -1: none */

static struct block *block_at(word page) { return (struct block *)(arena + page * kPageBytes); }
static void push(word page, int order) {
  struct block *const block = block_at(page), *const list = &lists[order];
  block->next = list->next;
  block->prev = list;
  list->next->prev = block;
  list->next = block;
  free_order[page] = order;
}
static void pull(word page) {
  struct block *const block = block_at(page);
  block->prev->next = block->next;
  block->next->prev = block->prev;
  free_order[page] = -1;
}

void free_pages(word address, unsigned order) {
  word page = (address - arena) / kPageBytes;
  for (; order + 1 < kOrders; ++order) {
    const word buddy = page ^ (1ul << order);
    if (buddy + (1ul << order) > pages || free_order[buddy] != (int)order) break;
    pull(buddy);
    page &= ~(1ul << order);
  }
  push(page, order);
}

void pages_init(word first, word end) {
  arena = first;
  pages = (end - first) / kPageBytes;
  free_order = (signed char *)first;
  for (word page = 0; page < pages; ++page) free_order[page] = -1;
  for (int order = 0; order < kOrders; ++order) lists[order].next = lists[order].prev = &lists[order];
  for (word page = (pages + kPageBytes - 1) / kPageBytes; page < pages; ++page) free_pages(arena + page * kPageBytes, 0);
}

word __get_free_pages(unsigned flags, unsigned order) {
  (void)flags;
  for (unsigned larger = order; larger < kOrders; ++larger) {
    if (lists[larger].next == &lists[larger]) continue;
    const word page = ((word)lists[larger].next - arena) / kPageBytes;
    pull(page);
    for (; larger > order; --larger) push(page + (1ul << (larger - 1)), larger - 1);
    return arena + page * kPageBytes;
  }
  return 0;
}
