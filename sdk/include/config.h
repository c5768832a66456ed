/* The settings of the CMU malloc lab that allocators read. What they are graded by is in the assignment. */
#ifndef ALLOCLAB_SDK_CONFIG_H
#define ALLOCLAB_SDK_CONFIG_H

#ifndef ALIGNMENT
#define ALIGNMENT 8
#endif
#define MAX_HEAP (64 << 20)

#endif
