/* Printing, into the output that the lab keeps; the first 64 KiB of it. There are no files. */
#ifndef ALLOCLAB_SDK_STDIO_H
#define ALLOCLAB_SDK_STDIO_H

#ifdef __cplusplus
extern "C" {
#endif

#include <stdarg.h>
#include <stddef.h>

typedef struct lab_file FILE;
extern FILE *const lab_stdout;
#define stdin lab_stdout
#define stdout lab_stdout
#define stderr lab_stdout
#define EOF (-1)

int printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
int fprintf(FILE *file, const char *format, ...) __attribute__((format(printf, 2, 3)));
int sprintf(char *to, const char *format, ...) __attribute__((format(printf, 2, 3)));
int snprintf(char *to, size_t bytes, const char *format, ...) __attribute__((format(printf, 3, 4)));
int vprintf(const char *format, va_list arguments);
int vfprintf(FILE *file, const char *format, va_list arguments);
int vsnprintf(char *to, size_t bytes, const char *format, va_list arguments);
int puts(const char *text);
int putchar(int c);
int fputs(const char *text, FILE *file);
int fputc(int c, FILE *file);
int fflush(FILE *file);
void perror(const char *text);

#ifdef __cplusplus
}
#endif

#endif
