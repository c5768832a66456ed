/* An implicit list with boundary tags, first fit, in the interface of the CMU malloc lab. */
typedef unsigned int size_t;
void *mem_sbrk(int bytes);
void *memcpy(void *to, const void *from, size_t bytes);

#define GET(p) (*(unsigned *)(p))
#define PUT(p, v) (*(unsigned *)(p) = (v))
#define SIZE(p) (GET((char *)(p) - 4) & ~7u)
#define ALLOC(p) (GET((char *)(p) - 4) & 1)
#define NEXT(p) ((char *)(p) + SIZE(p))
#define PREV_SIZE(p) (GET((char *)(p) - 8) & ~7u)
#define PREV_ALLOC(p) (GET((char *)(p) - 8) & 1)

static char *list;

static void mark(char *p, unsigned size, unsigned alloc) {
  PUT(p - 4, size | alloc);
  PUT(p + size - 8, size | alloc);
}

static char *coalesce(char *p) {
  unsigned size = SIZE(p);
  if (!ALLOC(NEXT(p))) size += SIZE(NEXT(p));
  if (!PREV_ALLOC(p)) {
    size += PREV_SIZE(p);
    p -= PREV_SIZE(p);
  }
  mark(p, size, 0);
  return p;
}

static char *extend(unsigned bytes) {
  char *p = mem_sbrk(bytes);
  if (p == (char *)-1) return 0;
  mark(p, bytes, 0);
  PUT(p + bytes - 4, 1);
  return coalesce(p);
}

int mm_init(void) {
  char *p = mem_sbrk(16);
  if (p == (char *)-1) return -1;
  PUT(p, 0);
  PUT(p + 4, 9);
  PUT(p + 8, 9);
  PUT(p + 12, 1);
  list = p + 8;
  return extend(4096) ? 0 : -1;
}

static char *find_fit(unsigned size) {
  char *p;
  for (p = list; SIZE(p); p = NEXT(p))
    if (!ALLOC(p) && SIZE(p) >= size) return p;
  return 0;
}

void *mm_malloc(size_t bytes) {
  unsigned size = (bytes + 8 + 7) & ~7u, whole;
  char *p;
  if (bytes == 0) return 0;
  if (size < 16) size = 16;
  p = find_fit(size);
  if (!p && !(p = extend(size > 4096 ? size : 4096))) return 0;
  whole = SIZE(p);
  if (whole - size >= 16) {
    mark(p, size, 1);
    mark(p + size, whole - size, 0);
  } else {
    mark(p, whole, 1);
  }
  return p;
}

void mm_free(void *p) {
  mark(p, SIZE(p), 0);
  coalesce(p);
}

void *mm_realloc(void *p, size_t bytes) {
  char *to = mm_malloc(bytes);
  unsigned old;
  if (!to || !p) return to;
  old = SIZE(p) - 8;
  memcpy(to, p, old < bytes ? old : bytes);
  mm_free(p);
  return to;
}
