// A library that the subject loads while it runs: it allocates when it is loaded, and when it is asked.
#include <stdlib.h>

namespace {
struct Loaded {
  void* block = malloc(1'000'050);
  ~Loaded() { free(block); }
} g_loaded;
}  // namespace

extern "C" void* SubjectAllocate();
extern "C" void* SubjectAllocate() { return malloc(1'000'051); }
