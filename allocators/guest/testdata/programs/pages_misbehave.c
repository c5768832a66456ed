/* A page allocator that goes wrong in a way for each number of pages that is asked for; a single page it gives, from the arena's
 * first on, and the first again behind the last. */
static char *next, *first, *last;

static char *take(unsigned pages) {
  char *const given = next;
  next += 4096 * pages;
  return given;
}

void pages_init(char *begin, char *end) {
  first = next = begin;
  last = end;
}

char *palloc_get_multiple(int flags, unsigned count) {
  (void)flags;
  switch (count) {
    case 1:
      if (next == last) next = first;
      return take(1);
    case 2: /* a null pointer */
      return *(char *volatile *)4;
    case 3: /* not at the beginning of a page */
      return take(4) + 8;
    case 4: /* behind the arena */
      return last;
    case 5: /* one that was given before */
      return first;
    case 6: /* not back */
      for (;;) {
      }
    case 7: /* a write to a page that is in use */
      *(volatile int *)first = 1;
      return take(7);
    case 8: /* a write to its own code */
      *(volatile char *)&take = 0;
      return take(8);
    case 9: /* the page table of its first pages, which it does not see */
      *(volatile int *)0x13000 = 0;
      return take(9);
    case 10: /* nothing */
      return 0;
    default:
      return take(count);
  }
}

void palloc_free_multiple(char *pages, unsigned count) {
  if (count == 2) __asm__ volatile("hlt");
  (void)pages;
}
