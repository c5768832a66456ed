/* Next fit over a ring of free blocks, after Kernighan and Ritchie, 8.7, in the interface of the C library; no realloc. */
typedef unsigned int size_t;
void *sbrk(int bytes);

struct header {
  struct header *next;
  unsigned units;
};
static struct header base, *ring;

void free(void *block) {
  struct header *at, *freed = (struct header *)block - 1;
  for (at = ring; !(freed > at && freed < at->next); at = at->next)
    if (at >= at->next && (freed > at || freed < at->next)) break;
  if (freed + freed->units == at->next) {
    freed->units += at->next->units;
    freed->next = at->next->next;
  } else {
    freed->next = at->next;
  }
  if (at + at->units == freed) {
    at->units += freed->units;
    at->next = freed->next;
  } else {
    at->next = freed;
  }
  ring = at;
}

static struct header *grow(unsigned units) {
  struct header *more;
  if (units < 4096) units = 4096;
  more = sbrk(units * sizeof(struct header));
  if (more == (struct header *)-1) return 0;
  more->units = units;
  free(more + 1);
  return ring;
}

void *malloc(size_t bytes) {
  unsigned units = (bytes + sizeof(struct header) - 1) / sizeof(struct header) + 1;
  struct header *before, *at;
  if (!ring) base.next = ring = &base;
  for (before = ring, at = before->next;; before = at, at = at->next) {
    if (at->units >= units) {
      if (at->units == units) {
        before->next = at->next;
      } else {
        at->units -= units;
        at += at->units;
        at->units = units;
      }
      ring = before;
      return at + 1;
    }
    if (at == ring && !(at = grow(units))) return 0;
  }
}
