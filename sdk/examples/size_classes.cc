// Size classes without headers, in C++: each page holds objects of one size, and a table of pages tells which. What is larger than
// half a page takes whole pages, first fit.
#include <stddef.h>
#include <stdint.h>

#include "memlib.h"
#include "string.h"

namespace {

constexpr uint32_t kPage = 4096, kPages = 1 << 14, kClasses = 8;  // 16, 32, ... 2048 bytes
constexpr uint8_t kUnused = 0xFF, kWhole = 0xFE, kTail = 0xFD;

struct Node {
  Node* next;
};

uint8_t kinds[kPages];  // by page: a class, the first of whole pages, one of those behind it, or unused
Node* lists[kClasses];
char* base;
uint32_t pages;

constexpr uint32_t SizeOf(uint32_t kind) { return 16u << kind; }
char* At(uint32_t page) { return base + page * kPage; }
uint32_t PageOf(const void* block) { return (static_cast<const char*>(block) - base) / kPage; }

// The first of so many pages side by side; null: there are none.
char* TakePages(uint32_t count) {
  uint32_t free = 0, page = 0;
  for (; page < pages && free < count; ++page) free = kinds[page] == kUnused ? free + 1 : 0;
  if (free < count) {
    if (pages + count - free > kPages || mem_sbrk((count - free) * kPage) == reinterpret_cast<void*>(-1)) return nullptr;
    for (uint32_t i = free; i < count; ++i) kinds[pages++] = kUnused;
    page = pages;
  }
  const uint32_t first = page - count;
  kinds[first] = kWhole;
  for (uint32_t i = 1; i < count; ++i) kinds[first + i] = kTail;
  return At(first);
}

uint32_t BytesOf(const void* block) {
  uint32_t page = PageOf(block);
  if (kinds[page] != kWhole) return SizeOf(kinds[page]);
  uint32_t count = 1;
  while (page + count < pages && kinds[page + count] == kTail) ++count;
  return count * kPage;
}

}  // namespace

extern "C" {

int mm_init() {
  base = static_cast<char*>(mem_heap_lo());
  return 0;
}

void* mm_malloc(size_t bytes) {
  if (bytes == 0 || bytes > kPages * kPage) return nullptr;
  if (bytes > kPage / 2) return TakePages((bytes + kPage - 1) / kPage);
  uint32_t kind = 0;
  while (SizeOf(kind) < bytes) ++kind;
  if (lists[kind] == nullptr) {
    char* const page = TakePages(1);
    if (page == nullptr) return nullptr;
    kinds[PageOf(page)] = static_cast<uint8_t>(kind);
    for (uint32_t at = kPage; at != 0; at -= SizeOf(kind)) {
      Node* const node = reinterpret_cast<Node*>(page + at - SizeOf(kind));
      node->next = lists[kind];
      lists[kind] = node;
    }
  }
  Node* const node = lists[kind];
  lists[kind] = node->next;
  return node;
}

void mm_free(void* block) {
  if (block == nullptr) return;
  uint32_t page = PageOf(block);
  if (kinds[page] != kWhole) {
    Node* const node = static_cast<Node*>(block);
    node->next = lists[kinds[page]];
    lists[kinds[page]] = node;
    return;
  }
  kinds[page] = kUnused;
  while (++page < pages && kinds[page] == kTail) kinds[page] = kUnused;
}

void* mm_realloc(void* block, size_t bytes) {
  if (block == nullptr) return mm_malloc(bytes);
  const uint32_t had = BytesOf(block);
  if (bytes <= had) return block;
  void* const moved = mm_malloc(bytes);
  if (moved == nullptr) return nullptr;
  memcpy(moved, block, had);
  mm_free(block);
  return moved;
}

}  // extern "C"
