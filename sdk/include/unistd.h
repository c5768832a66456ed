/* The break, and the size of a page. */
#ifndef ALLOCLAB_SDK_UNISTD_H
#define ALLOCLAB_SDK_UNISTD_H

#ifdef __cplusplus
extern "C" {
#endif

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define _SC_PAGESIZE 30
#define _SC_PAGE_SIZE 30

void *sbrk(intptr_t bytes);
int brk(void *end);
long sysconf(int name);
int getpagesize(void);
ssize_t write(int file, const void *text, size_t bytes);

#ifdef __cplusplus
}
#endif

#endif
