/* assert of C. As in every C library, each inclusion follows NDEBUG anew. */
#undef assert
#ifdef NDEBUG
#define assert(condition) ((void)0)
#else
#define assert(condition) ((condition) ? (void)0 : __assert_fail(#condition, __FILE__, __LINE__, __func__))
#endif
#ifndef ALLOCLAB_SDK_ASSERT_H
#define ALLOCLAB_SDK_ASSERT_H

#ifdef __cplusplus
extern "C" {
#else
#define static_assert _Static_assert
#endif

void __assert_fail(const char *condition, const char *file, unsigned line, const char *function) __attribute__((noreturn));

#ifdef __cplusplus
}
#endif

#endif
