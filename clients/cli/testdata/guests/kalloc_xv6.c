/* A page allocator that is written against the headers of xv6 on RISC-V: it finds the arena by itself. */
#include "types.h"
#include "param.h"
#include "memlayout.h"
#include "spinlock.h"
#include "riscv.h"
#include "defs.h"

extern char end[];

struct page {
  struct page *below;
};
static struct {
  struct spinlock lock;
  struct page *top;
} stack;

void kfree(void *page) {
  if ((uint64)page % PGSIZE != 0 || (char *)page < end || (uint64)page >= PHYSTOP) panic("kfree");
  memset(page, 1, PGSIZE);
  acquire(&stack.lock);
  ((struct page *)page)->below = stack.top;
  stack.top = page;
  release(&stack.lock);
}

void kinit(void) {
  initlock(&stack.lock, "stack");
  for (char *page = (char *)PGROUNDUP((uint64)end); page + PGSIZE <= (char *)PHYSTOP; page += PGSIZE) kfree(page);
}

void *kalloc(void) {
  acquire(&stack.lock);
  struct page *const given = stack.top;
  if (given) stack.top = given->below;
  release(&stack.lock);
  if (given) memset(given, 5, PGSIZE);
  return given;
}
