/* A page allocator that gives a page 100 times, and then none. */
static char *next;
static int left;

void kinit(char *first, char *end) {
  (void)end;
  next = first;
  left = 100;
}

char *kalloc(void) {
  if (left-- <= 0) return 0;
  char *const given = next;
  next += 4096;
  return given;
}

void kfree(char *page) { (void)page; }
