/* What an allocator may need of it. malloc and its family are declared, and are there only if the program defines them. */
#ifndef ALLOCLAB_SDK_STDLIB_H
#define ALLOCLAB_SDK_STDLIB_H

#ifdef __cplusplus
extern "C" {
#endif

#include <stddef.h>

#define EXIT_SUCCESS 0
#define EXIT_FAILURE 1

void *malloc(size_t bytes);
void *calloc(size_t count, size_t bytes);
void *realloc(void *block, size_t bytes);
void free(void *block);

void exit(int status) __attribute__((noreturn));
void abort(void) __attribute__((noreturn));
int abs(int number);
long labs(long number);
int atoi(const char *text);
int rand(void);
void srand(unsigned seed);

#ifdef __cplusplus
}
#endif

#endif
