/* Jumps out of functions. */
#ifndef ALLOCLAB_SDK_SETJMP_H
#define ALLOCLAB_SDK_SETJMP_H

#ifdef __cplusplus
extern "C" {
#endif

typedef unsigned jmp_buf[6]; /* ebx esi edi ebp esp eip */

int setjmp(jmp_buf here) __attribute__((returns_twice));
void longjmp(jmp_buf there, int result) __attribute__((noreturn));

#ifdef __cplusplus
}
#endif

#endif
