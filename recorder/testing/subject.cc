// A program to record: subject CASE. What it does for a test asks for sizes from 1,000,000 on, so that a test can tell it from
// what the C library does for itself.
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <new>
#include <string_view>
#include <thread>
#include <vector>

namespace {

constexpr size_t kMark = 1'000'000;

void* volatile g_sink;  // so that no allocation is optimised away

void* Keep(void* block) {
  g_sink = block;
  return block;
}

bool Is(const char* name) {
  const char* const wanted = getenv("SUBJECT_CASE");
  return wanted != nullptr && std::string_view(wanted) == name;
}

// Before main and after it.
struct Early {
  Early() {
    if (Is("early")) block = Keep(malloc(kMark + 1));
  }
  ~Early() {
    if (block == nullptr) return;
    free(block);
    Keep(malloc(kMark + 3));
  }
  void* block = nullptr;
} g_early;

void Functions() {
  void* a = Keep(malloc(kMark));
  void* b = Keep(calloc(3, kMark + 1));
  a = Keep(realloc(a, kMark + 2));
  void* c = Keep(realloc(nullptr, kMark + 3));
  c = Keep(reallocarray(c, 2, kMark));
  free(b);
  void* d = nullptr;
  if (posix_memalign(&d, 64, kMark + 4) != 0) abort();
  free(Keep(d));
  free(Keep(aligned_alloc(4096, 4096 * 300)));
  free(Keep(memalign(32, kMark + 5)));
  free(Keep(valloc(kMark + 6)));
  free(Keep(pvalloc(kMark)));
  free(nullptr);
  a = Keep(realloc(a, 0));
  if (malloc_usable_size(c) < 2 * kMark) abort();
  volatile size_t huge = ~size_t{0} / 4;
  if (Keep(malloc(huge)) != nullptr || reallocarray(c, huge, 8) != nullptr || realloc(c, huge) != nullptr) abort();
  free(c);
}

void Operators() {
  struct alignas(64) Wide {
    char bytes[kMark / 64 * 64];
  };
  char* const a = new char[kMark];
  g_sink = a;
  delete[] a;
  void* const b = Keep(::operator new(kMark + 1));
  ::operator delete(b);
  void* const c = Keep(::operator new(kMark + 2, std::nothrow));
  ::operator delete(c, kMark + 2);
  Wide* const d = new Wide;
  g_sink = d;
  delete d;
  Wide* const e = new (std::nothrow) Wide[2];
  g_sink = e;
  delete[] e;
}

void Threads() {
  void* const mine = Keep(malloc(kMark));
  std::thread([] { free(Keep(malloc(kMark + 1))); }).join();
  std::thread([mine] { free(mine); }).join();
  std::vector<std::thread> threads;
  for (size_t i = 0; i < 4; ++i) {
    threads.emplace_back([i] {
      for (size_t k = 0; k < 20'000; ++k) free(realloc(malloc(kMark + 10 + i), kMark + 20 + i));
    });
  }
  for (std::thread& thread : threads) thread.join();
}

void ManyThreads() {
  for (size_t i = 0; i < 1500; ++i) std::thread([i] { free(Keep(malloc(kMark + i))); }).join();
}

[[gnu::noinline]] void Fork() {
  void* const both = Keep(malloc(kMark));
  void* const gone = Keep(malloc(kMark + 1));
  free(gone);
  const pid_t child = fork();
  if (child == 0) {
    free(both);
    Keep(malloc(kMark + 2));
    _exit(0);
  }
  waitpid(child, nullptr, 0);
  Keep(malloc(kMark + 3));
  free(both);
}

void Exec(char** argv) {
  Keep(malloc(kMark));
  setenv("SUBJECT_CASE", "plain", 1);
  execv("/proc/self/exe", argv);
}

void Spawn(char** argv) {
  Keep(malloc(kMark + 5));
  setenv("SUBJECT_CASE", "plain", 1);
  pid_t child = 0;
  if (posix_spawn(&child, "/proc/self/exe", nullptr, nullptr, argv, environ) != 0) abort();
  waitpid(child, nullptr, 0);
  Keep(malloc(kMark + 6));
}

jmp_buf g_back;
int g_round = 0;

void InSignal() {
  struct sigaction action = {};
  action.sa_handler = [](int) { free(Keep(malloc(kMark + 1))); };
  sigaction(SIGUSR1, &action, nullptr);
  Keep(malloc(kMark));
  raise(SIGUSR1);
  action.sa_handler = [](int) {
    Keep(malloc(kMark + 2));
    siglongjmp(g_back, 1);
  };
  action.sa_flags = SA_NODEFER;
  sigaction(SIGUSR2, &action, nullptr);
  for (g_round = 0; g_round < 10; ++g_round) {
    if (sigsetjmp(g_back, 1) == 0) raise(SIGUSR2);
  }
  Keep(malloc(kMark + 3));
}

void Library(const char* path) {
  Keep(malloc(kMark));
  void* const library = dlopen(path, RTLD_NOW);
  if (library == nullptr) abort();
  void* (*const allocate)() = reinterpret_cast<void* (*)()>(dlsym(library, "SubjectAllocate"));
  free(Keep(allocate()));
  dlclose(library);
}

// Known stacks. No call is the last thing that a function does, so that none becomes a jump.
[[gnu::noinline]] void* InnerSite(size_t size) { return Keep(malloc(kMark + size)); }
[[gnu::noinline]] void OuterSite(size_t size) {
  free(InnerSite(size));
  Keep(realloc(Keep(malloc(kMark + size + 1)), kMark + size + 2));
}
[[gnu::noinline]] void SiteInSignal(int) {
  Keep(InnerSite(60));
  Keep(nullptr);
}
[[gnu::noinline]] void Sites() {
  for (size_t i = 0; i < 3; ++i) OuterSite(10 * i);
  struct sigaction action = {};
  action.sa_handler = SiteInSignal;
  sigaction(SIGUSR1, &action, nullptr);
  raise(SIGUSR1);
  ::operator delete(Keep(::operator new(kMark + 70)));
}

// Blocks of Wall() keep apart what Filling() leaves, none of which is large enough for Larger().
[[gnu::noinline]] void* Filling() { return Keep(malloc(10'000)); }
[[gnu::noinline]] void* Wall() { return Keep(malloc(40)); }
[[gnu::noinline]] void* Larger() { return Keep(malloc(20'000)); }
[[gnu::noinline]] void Fragment() {
  void* fillings[64] = {};
  for (void*& filling : fillings) {
    filling = Filling();
    Wall();
  }
  for (void* const filling : fillings) free(filling);
  free(Larger());
}

void Heavy() {
  void* blocks[1000] = {};
  unsigned random = 1;
  for (int i = 0; i < 2'000'000; ++i) {
    random = random * 1664525 + 1013904223;
    void*& block = blocks[random / 65536 % 1000];
    free(block);
    block = malloc(16 + random / 65536 % 500);
    memset(block, 1, 16);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) setenv("SUBJECT_CASE", argv[1], 1);
  if (Is("functions")) Functions();
  if (Is("operators")) Operators();
  if (Is("threads")) Threads();
  if (Is("many-threads")) ManyThreads();
  if (Is("fork")) Fork();
  if (Is("spawn")) {
    Spawn(argv + argc);  // no arguments
    return 0;
  }
  if (Is("exec")) {
    char* none[] = {argv[0], nullptr};
    Exec(none);
  }
  if (Is("plain")) free(Keep(malloc(kMark + 100)));
  if (Is("signals")) InSignal();
  if (Is("library")) Library(argv[2]);
  if (Is("sites")) Sites();
  if (Is("fragment")) Fragment();
  if (Is("heavy")) Heavy();
  if (Is("killed")) {
    for (size_t i = 0; i < 1000; ++i) Keep(malloc(kMark + i));
    raise(SIGKILL);
  }
  if (Is("exit-7")) return 7;
  return 0;
}
