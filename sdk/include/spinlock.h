/* For page allocators in the style of xv6: one processor needs no lock. */
#ifndef ALLOCLAB_SDK_SPINLOCK_H
#define ALLOCLAB_SDK_SPINLOCK_H

struct spinlock {
  char *name;
};

#endif
