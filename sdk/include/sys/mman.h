/* Anonymous memory, taken from the break. It is given back to nobody: munmap does nothing. */
#ifndef ALLOCLAB_SDK_SYS_MMAN_H
#define ALLOCLAB_SDK_SYS_MMAN_H

#ifdef __cplusplus
extern "C" {
#endif

#include <stddef.h>
#include <sys/types.h>

#define PROT_NONE 0
#define PROT_READ 1
#define PROT_WRITE 2
#define PROT_EXEC 4
#define MAP_SHARED 1
#define MAP_PRIVATE 2
#define MAP_FIXED 16
#define MAP_ANONYMOUS 32
#define MAP_ANON 32
#define MAP_NORESERVE 0x4000
#define MAP_FAILED ((void *)-1)

void *mmap(void *wanted, size_t bytes, int protection, int flags, int file, off_t offset);
int munmap(void *block, size_t bytes);

#ifdef __cplusplus
}
#endif

#endif
