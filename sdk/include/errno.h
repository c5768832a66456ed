/* errno, as a plain variable: there are no threads. */
#ifndef ALLOCLAB_SDK_ERRNO_H
#define ALLOCLAB_SDK_ERRNO_H

#ifdef __cplusplus
extern "C" {
#endif

extern int errno;

#define ENOMEM 12
#define EINVAL 22
#define ERANGE 34

#ifdef __cplusplus
}
#endif

#endif
