// liballoclab-record.so: preloaded into a program, it tells every allocation and every free to `alloclab record`, and passes
// them on to the allocator that the program would have without it. Nothing is done differently: same addresses, same errors.
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <atomic>

#include "recorder/journal.h"

#define ALLOCLAB_EXPORT extern "C" [[gnu::visibility("default")]]

namespace {

using alloclab::recorder::Kind;
using alloclab::recorder::Write;

// The allocator behind this library.
struct Real {
  void* (*malloc)(size_t);
  void* (*calloc)(size_t, size_t);
  void* (*realloc)(void*, size_t);
  void (*free)(void*);
  int (*posix_memalign)(void**, size_t, size_t);
  void* (*aligned_alloc)(size_t, size_t);
  void* (*memalign)(size_t, size_t);
  void* (*valloc)(size_t);
  void* (*pvalloc)(size_t);
  int (*dlclose)(void*);
};
constinit Real g_real{};
constinit std::atomic<int> g_resolved{0};  // 1: someone resolves; 2: done

// What dlsym() itself may ask for while it looks for malloc: never given back, never recorded.
constexpr size_t kNurseryBytes = 16384;
alignas(16) constinit char g_nursery[kNurseryBytes] = {};
constinit std::atomic<size_t> g_nursery_used{0};

bool IsOfNursery(const void* block) {
  return reinterpret_cast<uintptr_t>(block) - reinterpret_cast<uintptr_t>(g_nursery) < kNurseryBytes;
}

void* FromNursery(size_t size) {
  if (size > kNurseryBytes) return nullptr;
  const size_t at = g_nursery_used.fetch_add((size + 15) / 16 * 16);
  return at + size <= kNurseryBytes ? g_nursery + at : nullptr;
}

template <typename Function>
void Find(const char* name, Function*& function) {
  function = reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

// False: not yet, as this is called by dlsym().
[[gnu::noinline]] bool Resolve() {
  int nobody = 0;
  if (!g_resolved.compare_exchange_strong(nobody, 1)) return g_resolved == 2;
  Find("malloc", g_real.malloc);
  Find("calloc", g_real.calloc);
  Find("realloc", g_real.realloc);
  Find("free", g_real.free);
  Find("posix_memalign", g_real.posix_memalign);
  Find("aligned_alloc", g_real.aligned_alloc);
  Find("memalign", g_real.memalign);
  Find("valloc", g_real.valloc);
  Find("pvalloc", g_real.pvalloc);
  Find("dlclose", g_real.dlclose);
  g_resolved = 2;
  return true;
}

inline bool Ready() { return g_resolved.load(std::memory_order_acquire) == 2 || Resolve(); }

// Out of the nursery, into the heap.
void* LeaveNursery(void* block, size_t size) {
  void* const fresh = malloc(size);
  const size_t there = static_cast<size_t>(g_nursery + kNurseryBytes - static_cast<char*>(block));
  if (fresh != nullptr) memcpy(fresh, block, size < there ? size : there);
  return fresh;
}

[[gnu::constructor]] void Begin() {
  if (!Ready()) return;
  alloclab::recorder::Attach();
  pthread_atfork(alloclab::recorder::BeforeFork, alloclab::recorder::AfterForkInParent, alloclab::recorder::AfterForkInChild);
}

}  // namespace

ALLOCLAB_EXPORT void* malloc(size_t size) {
  if (!Ready()) return FromNursery(size);
  void* const block = g_real.malloc(size);
  Write(Kind::kMalloc, block, size);
  return block;
}

ALLOCLAB_EXPORT void* calloc(size_t count, size_t size) {
  if (!Ready()) return size != 0 && count > kNurseryBytes / size ? nullptr : FromNursery(count * size);
  void* const block = g_real.calloc(count, size);
  Write(Kind::kCalloc, block, size, count);
  return block;
}

ALLOCLAB_EXPORT void free(void* block) {
  if (block == nullptr || IsOfNursery(block) || !Ready()) return;
  Write(Kind::kFree, block);
  g_real.free(block);
}

ALLOCLAB_EXPORT void* realloc(void* block, size_t size) {
  if (IsOfNursery(block)) return LeaveNursery(block, size);
  if (!Ready()) return FromNursery(size);
  if (block != nullptr) Write(Kind::kReallocBegin, block);
  void* const moved = g_real.realloc(block, size);
  Write(Kind::kReallocEnd, moved, size);
  return moved;
}

ALLOCLAB_EXPORT void* reallocarray(void* block, size_t count, size_t size) {
  size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) {
    errno = ENOMEM;
    return nullptr;
  }
  return realloc(block, bytes);
}

ALLOCLAB_EXPORT int posix_memalign(void** out, size_t alignment, size_t size) {
  if (!Ready()) return ENOMEM;
  const int error = g_real.posix_memalign(out, alignment, size);
  Write(Kind::kAligned, error == 0 ? *out : nullptr, size, alignment);
  return error;
}

ALLOCLAB_EXPORT void* aligned_alloc(size_t alignment, size_t size) {
  if (!Ready()) return nullptr;
  void* const block = g_real.aligned_alloc(alignment, size);
  Write(Kind::kAligned, block, size, alignment);
  return block;
}

ALLOCLAB_EXPORT void* memalign(size_t alignment, size_t size) {
  if (!Ready()) return nullptr;
  void* const block = g_real.memalign(alignment, size);
  Write(Kind::kAligned, block, size, alignment);
  return block;
}

ALLOCLAB_EXPORT void* valloc(size_t size) {
  if (!Ready()) return nullptr;
  void* const block = g_real.valloc(size);
  Write(Kind::kAligned, block, size, 4096);
  return block;
}

ALLOCLAB_EXPORT void* pvalloc(size_t size) {
  if (!Ready()) return nullptr;
  void* const block = g_real.pvalloc(size);
  Write(Kind::kAligned, block, (size + 4095) / 4096 * 4096, 4096);
  return block;
}

// Another library may come to where one was.
ALLOCLAB_EXPORT int dlclose(void* library) {
  if (!Ready()) return -1;
  const int result = g_real.dlclose(library);
  alloclab::recorder::CodeIsGone();
  return result;
}
