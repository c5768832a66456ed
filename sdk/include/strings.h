/* Bits, and what is old. */
#ifndef ALLOCLAB_SDK_STRINGS_H
#define ALLOCLAB_SDK_STRINGS_H

#ifdef __cplusplus
extern "C" {
#endif

#include <string.h>

#define bzero(to, bytes) ((void)memset((to), 0, (bytes)))
int ffs(int number);

#ifdef __cplusplus
}
#endif

#endif
