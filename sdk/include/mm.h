/* What the kits of the CMU malloc lab declare. Not mm_init: some kits have it as int, some as bool. */
#ifndef ALLOCLAB_SDK_MM_H
#define ALLOCLAB_SDK_MM_H

#ifdef __cplusplus
extern "C" {
#endif

#include <stddef.h>
#include <stdio.h>

void *mm_malloc(size_t bytes);
void mm_free(void *block);
void *mm_realloc(void *block, size_t bytes);
void *mm_calloc(size_t count, size_t bytes);

typedef struct {
  char *teamname;
  char *name1, *id1;
  char *name2, *id2;
} team_t;
extern team_t team;

#ifdef __cplusplus
}
#endif

#endif
