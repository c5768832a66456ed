// Allocators that go wrong, for tests: a malloc that takes from one mapping and frees nothing, and at its kTurn-th block does
// what the build says (native/CMakeLists.txt).
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace {

constexpr std::size_t kArenaBytes = std::size_t{1} << 30, kAlignment = 16;
constexpr int kTurn = 500;

std::size_t g_used = 0;
int g_blocks = 0;

char* Arena() {
  static void* const arena =
      mmap(nullptr, kArenaBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return static_cast<char*>(arena);
}

// True: there is no block.
bool GoesWrong() {
  if (++g_blocks < kTurn) return false;
#if defined(MISBEHAVE_crash)
  constexpr char kLastWords[] = "this heap has had enough\n";
  if (write(STDERR_FILENO, kLastWords, sizeof(kLastWords) - 1) >= 0) std::abort();
#elif defined(MISBEHAVE_hang)
  for (;;) pause();
#elif defined(MISBEHAVE_refuse)
  return true;
#elif defined(MISBEHAVE_greedy)
  if (g_blocks == kTurn) std::memset(Arena() + kArenaBytes / 2, 1, kArenaBytes / 2);
  usleep(1000);
#endif
  return false;
}

std::size_t& SizeOf(void* block) { return static_cast<std::size_t*>(block)[-1]; }

}  // namespace

extern "C" {

void* malloc(std::size_t bytes) {
  if (GoesWrong()) return nullptr;
  void* const block = Arena() + g_used + kAlignment;
  g_used += kAlignment + (bytes + kAlignment - 1) / kAlignment * kAlignment;
  if (g_used > kArenaBytes / 2) std::abort();
  SizeOf(block) = bytes;
  return block;
}

void* calloc(std::size_t count, std::size_t bytes) { return malloc(count * bytes); }  // the arena is zero, and used once

void* realloc(void* block, std::size_t bytes) {
  void* const moved = malloc(bytes);
  if (moved != nullptr && block != nullptr) std::memcpy(moved, block, SizeOf(block) < bytes ? SizeOf(block) : bytes);
  return moved;
}

void free(void*) {}

}  // extern "C"
