/* Types of Unix. */
#ifndef ALLOCLAB_SDK_SYS_TYPES_H
#define ALLOCLAB_SDK_SYS_TYPES_H

#include <stddef.h>
#include <stdint.h>

typedef int ssize_t;
typedef long off_t;
typedef int pid_t;
typedef unsigned char u_char;
typedef unsigned short u_short;
typedef unsigned int u_int;
typedef unsigned long u_long;

#endif
