/* An allocator that does, by the size that it is asked for, whatever a wrong one can do. */
typedef unsigned int size_t;
void *sbrk(int bytes);
void abort(void);
void exit(int status);

static volatile int zero;

static int deep(int n) {
  volatile char frame[4096];
  frame[0] = n;
  return deep(n + 1) + frame[0];
}

void *malloc(size_t bytes) {
  static char *last;
  switch (bytes) {
    case 1: return *(void **)(zero + 4);           /* null access */
    case 2: *(int *)(unsigned)&malloc = 1; break;  /* write to code */
    case 3: return (void *)deep(0);                /* stack overflow */
    case 4: return (void *)(1234567 / zero);            /* division by 0 */
    case 5: __asm__ volatile("int3"); break;
    case 6: for (;;) zero = 0;                     /* for ever */
    case 7: abort();
    case 8: exit(3);
    case 9: return (char *)sbrk(16) + 2;           /* misaligned */
    case 10: return last;                          /* a block that is in use */
    case 11: return (void *)0x20000000;            /* where nothing is */
    case 12: __asm__ volatile("hlt"); break;
    case 13: __asm__ volatile("fldz"); break;
    case 14: return 0;
    case 16: return last + 8;                      /* the middle of one */
    case 17: case 18: {                            /* says so; what cannot be read */
      int said;
      __asm__ volatile("int $0x40" : "=a"(said) : "a"(2), "b"(bytes == 17 ? "hello\n" : (char *)4), "c"(6) : "memory");
      return said == 6 ? sbrk(24) : 0;
    }
    case 15: ((void (*)(void))0x12345678)();
  }
  return last = sbrk((bytes + 7) & ~7u);
}
void free(void *block) { (void)block; }
