/* A page allocator in the style of xv6: a stack of free pages, linked in the pages themselves. Its interface is `kalloc`.
 *
 *   alloclab guest build kalloc.c -o kalloc.elf
 *   alloclab submit fork-exec-exit --page-allocator guest:kalloc.elf */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { kPageBytes = 4096, kJunk = 1 };

struct page {
  struct page *next;
};
static struct page *first_free;

extern char end[]; /* the linker's: where the program ends */

void panic(char *why);

/* Who still uses the page finds junk there. */
void kfree(char *page) {
  if ((uintptr_t)page % kPageBytes != 0 || page < end) panic("kfree");
  memset(page, kJunk, kPageBytes);
  struct page *const freed = (struct page *)page;
  freed->next = first_free;
  first_free = freed;
}

/* Called once, with the arena. */
void kinit(char *first, char *behind) {
  for (char *page = first; page < behind; page += kPageBytes) kfree(page);
}

char *kalloc(void) {
  struct page *const given = first_free;
  if (given != NULL) first_free = given->next;
  return (char *)given;
}
