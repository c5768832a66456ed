/* The runtime of programs on the simulated i386: what they may use of a C library, over the services of `int $0x40`. All of it is
 * weak, so that the program's own functions win. Its instructions count as the program's. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#define WEAK __attribute__((weak))

enum { kSbrk = 1, kWrite = 2, kExit = 3, kAbort = 4, kArena = 5 };

static long host(long service, long ebx, long ecx) {
  long result;
  __asm__ volatile("int $0x40" : "=a"(result) : "a"(service), "b"(ebx), "c"(ecx) : "memory");
  return result;
}

WEAK int errno;

/* The break. */

static char *heap_lo, *heap_hi; /* where the program's heap began, and one past what it has now */

WEAK void *sbrk(intptr_t bytes) {
  char *const before = (char *)host(kSbrk, bytes, 0);
  if (before == (char *)-1) {
    errno = ENOMEM;
    return before;
  }
  if (heap_lo == NULL) heap_lo = before;
  heap_hi = before + bytes;
  return before;
}
WEAK int brk(void *end) {
  char *const now = sbrk(0);
  return sbrk((char *)end - now) == (void *)-1 ? -1 : 0;
}
WEAK void *mem_sbrk(intptr_t bytes) { return sbrk(bytes); }
WEAK void mem_init(void) {}
WEAK void mem_deinit(void) {}
WEAK void mem_reset_brk(void) {}
WEAK void *mem_heap_lo(void) { return heap_lo != NULL ? heap_lo : sbrk(0); }
WEAK void *mem_heap_hi(void) { return (heap_lo != NULL ? heap_hi : (char *)sbrk(0)) - 1; }
WEAK size_t mem_heapsize(void) { return heap_hi - heap_lo; }
WEAK size_t mem_pagesize(void) { return 4096; }
WEAK int getpagesize(void) { return 4096; }
WEAK long sysconf(int name) { return name == 30 ? 4096 : -1; }
WEAK void *mmap(void *wanted, size_t bytes, int protection, int flags, int file, off_t offset) {
  const uintptr_t misplaced = (uintptr_t)sbrk(0) % 4096;
  (void)wanted, (void)protection, (void)flags, (void)file, (void)offset;
  if (misplaced != 0 && sbrk(4096 - misplaced) == (void *)-1) return (void *)-1;
  return sbrk((bytes + 4095) & ~4095u);
}
WEAK int munmap(void *block, size_t bytes) {
  (void)block, (void)bytes;
  return 0;
}

/* Ends. */

WEAK void exit(int status) {
  for (;;) host(kExit, status, 0);
}
WEAK void abort(void) {
  for (;;) host(kAbort, 0, 0);
}
WEAK void __assert_fail(const char *condition, const char *file, unsigned line, const char *function) {
  printf("%s:%u: %s: Assertion `%s' failed.\n", file, line, function, condition);
  abort();
}

WEAK void panic(char *why) {
  printf("panic: %s\n", why);
  abort();
}

/* The arena of a page allocator. */

static void *arena_end;

WEAK void *lab_arena_first(void) { return (void *)host(kArena, 0, 0); }
WEAK void *lab_arena_end(void) {
  if (arena_end == NULL) arena_end = (void *)host(kArena, 1, 0);
  return arena_end;
}

/* Memory and text. */

WEAK void *memcpy(void *to, const void *from, size_t bytes) {
  void *const start = to;
  size_t words = bytes / 4;
  __asm__ volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
  words = bytes % 4;
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
  return start;
}
WEAK void *memmove(void *to, const void *from, size_t bytes) {
  if ((uintptr_t)to - (uintptr_t)from >= bytes) return memcpy(to, from, bytes);
  for (char *a = (char *)to + bytes, *b = (char *)from + bytes; a != to;) *--a = *--b;
  return to;
}
WEAK void *memset(void *to, int value, size_t bytes) {
  void *const start = to;
  size_t words = bytes / 4;
  const uint32_t word = (unsigned char)value * 0x01010101u;
  __asm__ volatile("rep stosl" : "+D"(to), "+c"(words) : "a"(word) : "memory");
  words = bytes % 4;
  __asm__ volatile("rep stosb" : "+D"(to), "+c"(words) : "a"(word) : "memory");
  return start;
}
WEAK void *mem_memcpy(void *to, const void *from, size_t bytes) { return memcpy(to, from, bytes); }
WEAK void *mem_memset(void *to, int value, size_t bytes) { return memset(to, value, bytes); }
WEAK int memcmp(const void *a, const void *b, size_t bytes) {
  const unsigned char *x = a, *y = b;
  for (; bytes != 0; --bytes, ++x, ++y)
    if (*x != *y) return *x - *y;
  return 0;
}
WEAK void *memchr(const void *from, int value, size_t bytes) {
  const unsigned char *at = from;
  for (; bytes != 0; --bytes, ++at)
    if (*at == (unsigned char)value) return (void *)at;
  return NULL;
}
WEAK size_t strlen(const char *text) {
  size_t bytes = 0;
  while (text[bytes] != '\0') ++bytes;
  return bytes;
}
WEAK int strncmp(const char *a, const char *b, size_t bytes) {
  for (; bytes != 0; --bytes, ++a, ++b) {
    if (*a != *b) return (unsigned char)*a - (unsigned char)*b;
    if (*a == '\0') break;
  }
  return 0;
}
WEAK int strcmp(const char *a, const char *b) { return strncmp(a, b, ~(size_t)0); }
WEAK char *strcpy(char *to, const char *from) {
  char *at = to;
  while ((*at++ = *from++) != '\0') {
  }
  return to;
}
WEAK char *strncpy(char *to, const char *from, size_t bytes) {
  char *at = to;
  for (; bytes != 0 && *from != '\0'; --bytes) *at++ = *from++;
  for (; bytes != 0; --bytes) *at++ = '\0';
  return to;
}
WEAK char *strchr(const char *text, int c) {
  for (;; ++text) {
    if (*text == (char)c) return (char *)text;
    if (*text == '\0') return NULL;
  }
}
WEAK char *strerror(int error) { return error == ENOMEM ? "Cannot allocate memory" : "Error"; }

WEAK int abs(int number) { return number < 0 ? -number : number; }
WEAK long labs(long number) { return number < 0 ? -number : number; }
WEAK int ffs(int number) {
  int bit = 1;
  if (number == 0) return 0;
  for (; (number & 1) == 0; number >>= 1) ++bit;
  return bit;
}
WEAK int atoi(const char *text) {
  int number = 0;
  const int minus = *text == '-';
  for (text += minus || *text == '+'; *text >= '0' && *text <= '9'; ++text) number = 10 * number + (*text - '0');
  return minus ? -number : number;
}
static uint32_t random_state = 1;
WEAK void srand(unsigned seed) { random_state = seed; }
WEAK int rand(void) { /* Numerical Recipes' generator */
  random_state = random_state * 1664525u + 1013904223u;
  return (int)(random_state >> 1);
}

/* Division of 64 bits, as compilers call it. */

WEAK uint64_t __udivmoddi4(uint64_t a, uint64_t b, uint64_t *rest) {
  uint64_t quotient = 0, remainder = 0;
  if (b == 0) __asm__ volatile("divl %0" : : "r"(0) : "eax", "edx"); /* faults, as the processor does */
  for (int bit = 63; bit >= 0; --bit) {
    remainder = remainder << 1 | (a >> bit & 1);
    if (remainder >= b) {
      remainder -= b;
      quotient |= (uint64_t)1 << bit;
    }
  }
  if (rest != NULL) *rest = remainder;
  return quotient;
}
WEAK uint64_t __udivdi3(uint64_t a, uint64_t b) { return __udivmoddi4(a, b, NULL); }
WEAK uint64_t __umoddi3(uint64_t a, uint64_t b) {
  uint64_t rest;
  __udivmoddi4(a, b, &rest);
  return rest;
}
static uint64_t magnitude(int64_t number) { return number < 0 ? -(uint64_t)number : (uint64_t)number; }
WEAK int64_t __divdi3(int64_t a, int64_t b) {
  const uint64_t quotient = __udivdi3(magnitude(a), magnitude(b));
  return (int64_t)((a < 0) != (b < 0) ? -quotient : quotient);
}
WEAK int64_t __moddi3(int64_t a, int64_t b) {
  const uint64_t rest = __umoddi3(magnitude(a), magnitude(b));
  return (int64_t)(a < 0 ? -rest : rest);
}
WEAK int __popcountsi2(unsigned number) {
  int bits = 0;
  for (; number != 0; number &= number - 1) ++bits;
  return bits;
}
WEAK int __popcountdi2(uint64_t number) { return __popcountsi2((unsigned)number) + __popcountsi2((unsigned)(number >> 32)); }
WEAK int __ctzdi2(uint64_t number) {
  return (unsigned)number != 0 ? __builtin_ctz((unsigned)number) : 32 + __builtin_ctz((unsigned)(number >> 32));
}
WEAK int __clzdi2(uint64_t number) {
  return number >> 32 != 0 ? __builtin_clz((unsigned)(number >> 32)) : 32 + __builtin_clz((unsigned)number);
}

/* Jumps. */

__asm__(
    ".text\n"
    ".weak setjmp, _setjmp, longjmp\n"
    ".type setjmp, @function\n.type longjmp, @function\n"
    "setjmp:\n_setjmp:\n"
    "  movl 4(%esp), %eax\n"
    "  movl %ebx, (%eax)\n  movl %esi, 4(%eax)\n  movl %edi, 8(%eax)\n  movl %ebp, 12(%eax)\n"
    "  leal 4(%esp), %ecx\n  movl %ecx, 16(%eax)\n"
    "  movl (%esp), %ecx\n  movl %ecx, 20(%eax)\n"
    "  xorl %eax, %eax\n  ret\n"
    ".size setjmp, .-setjmp\n"
    "longjmp:\n"
    "  movl 4(%esp), %ecx\n  movl 8(%esp), %eax\n"
    "  testl %eax, %eax\n  jne 1f\n  incl %eax\n"
    "1:\n"
    "  movl (%ecx), %ebx\n  movl 4(%ecx), %esi\n  movl 8(%ecx), %edi\n  movl 12(%ecx), %ebp\n"
    "  movl 16(%ecx), %esp\n  jmp *20(%ecx)\n"
    ".size longjmp, .-longjmp\n");

/* Printing. */

WEAK FILE *const lab_stdout = NULL;

/* Where text goes: into a buffer, and with `prints` from there to the host. */
struct sink {
  char *at, *end;
  size_t written;
  int prints;
  char buffer[128];
};

static void flush(struct sink *sink) {
  if (sink->prints && sink->at != sink->buffer) host(kWrite, (long)sink->buffer, sink->at - sink->buffer);
  if (sink->prints) sink->at = sink->buffer;
}
static void put(struct sink *sink, char c) {
  ++sink->written;
  if (sink->at == sink->end) flush(sink);
  if (sink->at != sink->end) *sink->at++ = c;
}

struct format {
  int left, zero, plus, space, alternate, precision, longs;
  unsigned width;
};

static void put_padded(struct sink *sink, const char *prefix, const char *text, size_t bytes, struct format format) {
  const size_t all = strlen(prefix) + bytes;
  const size_t padding = format.width > all ? format.width - all : 0;
  if (!format.left && !format.zero)
    for (size_t i = 0; i < padding; ++i) put(sink, ' ');
  while (*prefix != '\0') put(sink, *prefix++);
  if (!format.left && format.zero)
    for (size_t i = 0; i < padding; ++i) put(sink, '0');
  for (size_t i = 0; i < bytes; ++i) put(sink, text[i]);
  if (format.left)
    for (size_t i = 0; i < padding; ++i) put(sink, ' ');
}

static void put_number(struct sink *sink, uint64_t number, unsigned base, const char *digits, const char *prefix,
                       struct format format) {
  char text[68], *at = text + sizeof(text);
  const int least = format.precision < 0 ? 1 : format.precision < 64 ? format.precision : 64;
  while (number != 0) {
    if (number >> 32 == 0) { /* the division that the processor has */
      *--at = digits[(uint32_t)number % base];
      number = (uint32_t)number / base;
    } else {
      uint64_t rest;
      number = __udivmoddi4(number, base, &rest);
      *--at = digits[rest];
    }
  }
  while (text + sizeof(text) - at < least) *--at = '0';
  if (format.precision >= 0) format.zero = 0;
  put_padded(sink, prefix, at, text + sizeof(text) - at, format);
}

static const char *put_one(struct sink *sink, const char *from, va_list *arguments) {
  static const char kLower[] = "0123456789abcdef", kUpper[] = "0123456789ABCDEF";
  struct format format = {.precision = -1};
  uint64_t number;
  for (;; ++from) {
    if (*from == '-') format.left = 1;
    else if (*from == '0') format.zero = 1;
    else if (*from == '+') format.plus = 1;
    else if (*from == ' ') format.space = 1;
    else if (*from == '#') format.alternate = 1;
    else break;
  }
  if (*from == '*') {
    const int width = va_arg(*arguments, int);
    format.left |= width < 0;
    format.width = width < 0 ? -width : width;
    ++from;
  }
  while (*from >= '0' && *from <= '9') format.width = 10 * format.width + (*from++ - '0');
  if (*from == '.') {
    format.precision = 0;
    if (*++from == '*') {
      format.precision = va_arg(*arguments, int);
      ++from;
    }
    while (*from >= '0' && *from <= '9') format.precision = 10 * format.precision + (*from++ - '0');
  }
  for (; *from == 'l' || *from == 'h' || *from == 'z' || *from == 't' || *from == 'j'; ++from)
    format.longs += *from == 'l' ? 1 : *from == 'j' ? 2 : 0;
  switch (*from) {
    case 'd':
    case 'i': {
      const int64_t value = format.longs >= 2 ? va_arg(*arguments, long long) : va_arg(*arguments, int);
      put_number(sink, magnitude(value), 10, kLower, value < 0 ? "-" : format.plus ? "+" : format.space ? " " : "", format);
      break;
    }
    case 'u':
    case 'x':
    case 'X':
    case 'o':
      number = format.longs >= 2 ? va_arg(*arguments, unsigned long long) : va_arg(*arguments, unsigned);
      put_number(sink, number, *from == 'u' ? 10 : *from == 'o' ? 8 : 16, *from == 'X' ? kUpper : kLower,
                 format.alternate && number != 0 && *from != 'u' ? (*from == 'o' ? "0" : *from == 'x' ? "0x" : "0X") : "",
                 format);
      break;
    case 'p': {
      const void *const pointer = va_arg(*arguments, void *);
      if (pointer == NULL) put_padded(sink, "", "(nil)", 5, format);
      else put_number(sink, (uintptr_t)pointer, 16, kLower, "0x", format);
      break;
    }
    case 'c': {
      const char c = (char)va_arg(*arguments, int);
      put_padded(sink, "", &c, 1, format);
      break;
    }
    case 's': {
      const char *text = va_arg(*arguments, const char *);
      size_t bytes = 0;
      if (text == NULL) text = "(null)";
      while ((format.precision < 0 || bytes < (size_t)format.precision) && text[bytes] != '\0') ++bytes;
      put_padded(sink, "", text, bytes, format);
      break;
    }
    case '\0':
      return from;
    default:
      put(sink, *from); /* %% and what there is not */
  }
  return from + 1;
}

static void put_all(struct sink *sink, const char *format, va_list arguments) {
  va_list copy;
  va_copy(copy, arguments);
  while (*format != '\0') {
    if (*format != '%') put(sink, *format++);
    else format = put_one(sink, format + 1, &copy);
  }
  va_end(copy);
}

WEAK int vprintf(const char *format, va_list arguments) {
  struct sink sink;
  sink.at = sink.buffer;
  sink.end = sink.buffer + sizeof(sink.buffer);
  sink.written = 0;
  sink.prints = 1;
  put_all(&sink, format, arguments);
  flush(&sink);
  return (int)sink.written;
}
WEAK int vfprintf(FILE *file, const char *format, va_list arguments) {
  (void)file;
  return vprintf(format, arguments);
}
WEAK int vsnprintf(char *to, size_t bytes, const char *format, va_list arguments) {
  struct sink sink;
  sink.at = to;
  sink.end = bytes != 0 ? to + (bytes - 1) : to;
  sink.written = 0;
  sink.prints = 0;
  put_all(&sink, format, arguments);
  if (bytes != 0) *sink.at = '\0';
  return (int)sink.written;
}
WEAK int printf(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int written = vprintf(format, arguments);
  va_end(arguments);
  return written;
}
WEAK int fprintf(FILE *file, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int written = vfprintf(file, format, arguments);
  va_end(arguments);
  return written;
}
WEAK int snprintf(char *to, size_t bytes, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int written = vsnprintf(to, bytes, format, arguments);
  va_end(arguments);
  return written;
}
WEAK int sprintf(char *to, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int written = vsnprintf(to, 0x7FFFFFFF, format, arguments);
  va_end(arguments);
  return written;
}
WEAK ssize_t write(int file, const void *text, size_t bytes) {
  (void)file;
  return (ssize_t)host(kWrite, (long)text, (long)bytes);
}
WEAK int fputs(const char *text, FILE *file) {
  (void)file;
  return (int)host(kWrite, (long)text, (long)strlen(text));
}
WEAK int putchar(int c) {
  const char byte = (char)c;
  host(kWrite, (long)&byte, 1);
  return c;
}
WEAK int fputc(int c, FILE *file) {
  (void)file;
  return putchar(c);
}
WEAK int puts(const char *text) {
  fputs(text, NULL);
  return putchar('\n');
}
WEAK int fflush(FILE *file) {
  (void)file;
  return 0;
}
WEAK void perror(const char *text) { printf("%s: %s\n", text, strerror(errno)); }
