/* For page allocators in the style of xv6: its names of types, of the width of a pointer where xv6's are. */
#ifndef ALLOCLAB_SDK_TYPES_H
#define ALLOCLAB_SDK_TYPES_H

typedef unsigned char uchar;
typedef unsigned short ushort;
typedef unsigned int uint;
typedef unsigned char uint8;
typedef unsigned short uint16;
typedef unsigned int uint32;
typedef unsigned long uint64;
typedef uint pde_t;

#endif
