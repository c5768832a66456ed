#include "recorder/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/single_threaded.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "recorder/call_sites.h"

namespace alloclab::recorder {
namespace {

// A thread writes into the ring of its first lane; a signal handler that interrupts a record, into that of the next.
constexpr std::uint32_t kLanes = 4;
constexpr std::uint64_t kWakeWords = kRingWords / 2;

struct Lane {
  std::uint64_t* words = nullptr;
  Ring* ring = nullptr;
  std::atomic<std::uint64_t>* next = nullptr;  // number of the image
  std::uint64_t written = 0, limit = 0;        // words; up to `limit` nobody need be asked
  std::uint64_t sequence = 0;                  // of the last record
  std::uint32_t generation = 0;                // of the process when it took the ring
  bool with_sites = false;
};

struct ThreadState {
  std::uint32_t depth;  // records that are being written
  Lane lanes[kLanes];
};
__attribute__((tls_model("initial-exec"))) constinit thread_local ThreadState t_thread{};

// On a page that a forked child finds full of zeros, however it was forked: no generation that a lane may have.
struct alignas(4096) ForkPage {
  std::atomic<std::uint32_t> generation, attaching;
  char rest[4096 - 2 * sizeof(std::uint32_t)];
};

enum class Phase : std::uint32_t { kUnknown, kRecording, kOff };

struct Process {
  std::atomic<Phase> phase{Phase::kUnknown};
  Memory* memory = nullptr;
  Image* image = nullptr;
  std::uint64_t serial = 0;  // of the image
  std::uint32_t generations = 0;
  std::uint64_t fork_sequence = 0;
};
constinit Process g_process;
constinit ForkPage g_fork_page{};

class KeepErrno {
 public:
  ~KeepErrno() { errno = errno_; }

 private:
  const int errno_ = errno;
};

// System calls by number: the functions of the C library would be points where a thread can be cancelled.
void Pause(long ns) {
  const timespec time{0, ns};
  syscall(SYS_nanosleep, &time, nullptr);
}

bool ReaderIsThere(const Memory& memory) {
  if (memory.closed.load(std::memory_order_relaxed) != 0) return false;
  const auto reader = static_cast<pid_t>(memory.reader.load(std::memory_order_relaxed));
  return kill(reader, 0) == 0 || errno != ESRCH;
}

void WakeReader(Memory& memory) {
  if (memory.sleeping.load(std::memory_order_relaxed) == 0 || memory.sleeping.exchange(0) == 0) return;
  syscall(SYS_futex, &memory.sleeping, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

// Takes the first free one of `slots`. Waits for the reader to give one back; null: it does not.
template <typename Slot>
Slot* Claim(Slot* slots, std::uint32_t count, std::atomic<std::uint32_t>& used) {
  for (int round = 0; round < 2000; ++round) {
    for (std::uint32_t i = 0; i < count; ++i) {
      std::uint32_t free = kFree;
      if (slots[i].state.load(std::memory_order_relaxed) != kFree || !slots[i].state.compare_exchange_strong(free, kClaimed))
        continue;
      for (std::uint32_t known = used.load(); known <= i && !used.compare_exchange_weak(known, i + 1);) {
      }
      return &slots[i];
    }
    if (!ReaderIsThere(*g_process.memory)) return nullptr;
    WakeReader(*g_process.memory);
    Pause(1'000'000);
  }
  return nullptr;
}

std::uint32_t ReadFile(const char* path, char* out, std::size_t size) {
  const long file = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  const long got = syscall(SYS_read, file, out, size);
  syscall(SYS_close, file);
  return got > 0 ? static_cast<std::uint32_t>(got) : 0;
}

Memory* Map(const char* path) {
  const int file = static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (file < 0) return nullptr;
  struct stat status = {};
  void* address = MAP_FAILED;
  if (fstat(file, &status) == 0 && status.st_size == static_cast<off_t>(sizeof(Memory))) {
    address = mmap(nullptr, sizeof(Memory), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file, 0);
  }
  syscall(SYS_close, file);
  if (address == MAP_FAILED) return nullptr;
  auto* const memory = static_cast<Memory*>(address);
  if (memory->magic == kMagic) {
    madvise(address, sizeof(Memory), MADV_DONTDUMP);
    return memory;
  }
  munmap(address, sizeof(Memory));
  return nullptr;
}

// Takes an image for this process. What it was before, if it was forked, is in g_process still.
bool TakeImage() {
  Memory& memory = *g_process.memory;
  Image* const image = Claim(memory.images, kImagesMax, memory.images_used);
  if (image == nullptr) return false;
  const Image* const parent = g_process.image;  // may be another's by now
  image->pid = static_cast<std::uint32_t>(getpid());
  image->serial = memory.serials.fetch_add(1) + 1;
  image->parent = g_process.serial;
  image->fork_sequence = parent != nullptr ? g_process.fork_sequence : 0;
  if (parent != nullptr) {
    memcpy(image->program, parent->program, kProgramBytes);
    memcpy(image->command, parent->command, kCommandBytes);
    image->command_bytes = parent->serial == g_process.serial ? parent->command_bytes : 0;
    if (image->command_bytes == 0) image->program[0] = '\0';
  } else {
    memset(image->program, 0, kProgramBytes);
    const ssize_t length = readlink("/proc/self/exe", image->program, kProgramBytes - 1);
    if (length <= 0) image->program[0] = '\0';
    image->command_bytes = ReadFile("/proc/self/cmdline", image->command, kCommandBytes);
  }
  image->next.store(1, std::memory_order_relaxed);
  image->lost.store(0, std::memory_order_relaxed);
  image->state.store(kLive, std::memory_order_release);
  g_process.image = image;
  g_process.serial = image->serial;
  g_process.fork_sequence = 0;
  return true;
}

// First of the process: maps the memory. False: there is none to record into, or not yet.
bool Start() {
  if (environ == nullptr) return false;  // the C library has not begun
  const char* const path = getenv(kFileVariable);
  g_process.memory = path != nullptr ? Map(path) : nullptr;
  if (g_process.memory == nullptr || !ReaderIsThere(*g_process.memory)) {
    g_process.phase = Phase::kOff;
    return false;
  }
  madvise(&g_fork_page, sizeof(g_fork_page), MADV_WIPEONFORK);
  return true;
}

// Whether the process has an image now. One thread attaches, others wait for it.
bool AttachProcess() {
  if (g_process.phase == Phase::kOff) return false;
  if (g_fork_page.generation.load(std::memory_order_acquire) != 0) return true;
  std::uint32_t nobody = 0;
  if (!g_fork_page.attaching.compare_exchange_strong(nobody, 1)) {
    for (int i = 0; i < 5000 && g_fork_page.attaching.load() != 0; ++i) Pause(100'000);
    return g_fork_page.generation.load(std::memory_order_acquire) != 0;
  }
  bool attached = g_fork_page.generation.load() != 0;
  if (!attached && (g_process.memory != nullptr || Start())) {
    attached = TakeImage();
    g_process.phase = attached ? Phase::kRecording : Phase::kOff;
    if (attached) g_fork_page.generation.store(++g_process.generations, std::memory_order_release);
  }
  g_fork_page.attaching.store(0);
  return attached;
}

bool TakeRing(Lane& lane, std::uint32_t depth) {
  Memory& memory = *g_process.memory;
  Ring* const ring = Claim(memory.rings, kRingsMax, memory.rings_used);
  if (ring == nullptr) return false;
  ring->thread = static_cast<std::uint32_t>(gettid());
  ring->depth = depth;
  ring->image = g_process.serial;
  ring->claim = memory.serials.fetch_add(1) + 1;
  lane.ring = ring;
  lane.words = memory.words[ring - memory.rings];
  lane.written = lane.limit = ring->written.load();
  lane.next = &g_process.image->next;
  lane.sequence = 0;
  lane.generation = g_fork_page.generation;
  lane.with_sites = memory.stack_depth != 0;
  ring->state.store(kLive, std::memory_order_release);
  return true;
}

// Waits until the ring has room for a record. False: nobody reads it any more.
bool MakeRoom(Lane& lane) {
  Memory& memory = *g_process.memory;
  for (long wait = 20'000;; wait = wait < 1'000'000 ? 2 * wait : wait) {
    WakeReader(memory);
    const std::uint64_t end = lane.ring->read.load(std::memory_order_acquire) + kRingWords;
    lane.limit = end < lane.written + kWakeWords ? end : lane.written + kWakeWords;
    if (lane.written + kRecordWordsMax <= lane.limit) return true;
    if (!ReaderIsThere(memory)) return false;
    Pause(wait);
  }
}

// All that is not writing.
[[gnu::noinline]] bool Prepare(Lane& lane, std::uint32_t depth) {
  const KeepErrno keep;
  if (!AttachProcess()) return false;
  if (lane.generation != g_fork_page.generation && !TakeRing(lane, depth)) {
    g_process.image->lost.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  if (MakeRoom(lane)) return true;
  g_process.phase = Phase::kOff;
  g_fork_page.generation = 0;  // so that every record comes here
  return false;
}

// The next number. One instruction, so that a signal handler of the same thread gets another.
inline std::uint64_t NextSequence(std::atomic<std::uint64_t>& next) {
#if defined(__x86_64__)
  if (__libc_single_threaded) {
    std::uint64_t one = 1;
    asm volatile("xaddq %0, %1" : "+r"(one), "+m"(next) : : "cc");
    return one;
  }
#endif
  return next.fetch_add(1, std::memory_order_relaxed);
}

// What a call site is told of.
constexpr bool Allocates(Kind kind) {
  return kind == Kind::kMalloc || kind == Kind::kCalloc || kind == Kind::kReallocEnd || kind == Kind::kAligned;
}

inline std::uint64_t WriteTo(Lane& lane, Kind kind, const void* address, std::uint64_t first, std::uint64_t second,
                             std::uint64_t site) {
  const std::uint64_t sequence = NextSequence(*lane.next);
  std::uint64_t step = sequence - lane.sequence, at = lane.written;
  const auto put = [&lane, &at](std::uint64_t word) { lane.words[at++ % kRingWords] = word; };
  if (site != 0) put(site << kAddressShift | static_cast<std::uint64_t>(Kind::kSite));
  if (step > kStepMax) [[unlikely]] {
    put(static_cast<std::uint64_t>(Kind::kSequence));
    put(sequence - 1);
    step = 1;
  }
  const std::uint32_t words = kWordsOf[static_cast<std::uint32_t>(kind)];
  put(reinterpret_cast<std::uint64_t>(address) << kAddressShift | step << kStepShift | static_cast<std::uint64_t>(kind));
  if (words > 1) put(first);
  if (words > 2) put(second);
  lane.sequence = sequence;
  lane.written = at;
  lane.ring->written.store(at, std::memory_order_release);
  return sequence;
}

}  // namespace

std::uint64_t Write(Kind kind, const void* address, std::uint64_t first, std::uint64_t second) {
  ThreadState& thread = t_thread;
  const std::uint32_t depth = thread.depth;
  if (depth >= kLanes) return 0;
  thread.depth = depth + 1;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  Lane& lane = thread.lanes[depth];
  const std::uint32_t generation = g_fork_page.generation.load(std::memory_order_relaxed);
  std::uint64_t sequence = 0;
  if ((lane.generation == generation && generation != 0 && lane.written + kRecordWordsMax <= lane.limit) ||
      Prepare(lane, depth)) {
    const std::uint64_t site = lane.with_sites && Allocates(kind) ? CurrentSite(*g_process.memory) : 0;
    sequence = WriteTo(lane, kind, address, first, second, site);
  }
  std::atomic_signal_fence(std::memory_order_seq_cst);
  thread.depth = depth;
  return sequence;
}

void Attach() {
  const KeepErrno keep;
  AttachProcess();
}

void CodeIsGone() {
  if (g_process.phase == Phase::kRecording && g_process.memory->stack_depth != 0) ForgetSites();
}

void BeforeFork() { g_process.fork_sequence = Write(Kind::kFork, nullptr); }
void AfterForkInParent() { g_process.fork_sequence = 0; }
void AfterForkInChild() { Attach(); }

}  // namespace alloclab::recorder
