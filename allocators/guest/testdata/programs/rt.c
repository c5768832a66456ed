/* What programs of these tests have of a C library: memlib.h's functions over the host's services. */
typedef unsigned int size_t;

static long host(long service, long argument) {
  long result;
  __asm__ volatile("int $0x40" : "=a"(result) : "a"(service), "b"(argument) : "memory");
  return result;
}

static char *heap_lo;
void *mem_sbrk(int bytes) {
  void *before = (void *)host(1, bytes);
  if (!heap_lo) heap_lo = before;
  return before;
}
void *sbrk(int bytes) { return mem_sbrk(bytes); }
void *mem_heap_lo(void) { return heap_lo; }
void *mem_heap_hi(void) { return (char *)host(1, 0) - 1; }
size_t mem_heapsize(void) { return (char *)host(1, 0) - heap_lo; }

void *memcpy(void *to, const void *from, size_t bytes) {
  void *const start = to;
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
  return start;
}
void *memset(void *to, int value, size_t bytes) {
  void *const start = to;
  __asm__ volatile("rep stosb" : "+D"(to), "+c"(bytes) : "a"(value) : "memory");
  return start;
}
void exit(int status) { for (;;) host(3, status); }
void abort(void) { for (;;) host(4, 0); }
