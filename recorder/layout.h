// What recorded programs and `alloclab record` share: one sparse file in memory, which all of them map. Programs write what
// they allocate and free into rings, a ring for each thread; one reader, in the process of `alloclab record`, takes it out.
// What a program wrote is there whatever becomes of the program.
//
// Order. Each image (a program in a process, from its start or fork to its exec or end) numbers its records from 1 on. A block
// is recorded before it is freed and after it was allocated, so that in the order of the numbers no block is allocated where
// another is live. Reallocations are two records, before and after: between them the old block is nowhere.
//
// Call sites, if they are asked for, are numbered from 1 on by their place in a table, which all programs fill: a stack is the
// same whichever of them it is seen in, as it is made of modules and offsets.
//
// A record is 1 to 3 words. The first is the address, shifted by kAddressShift, with the kind in its low 4 bits and between
// them how far the record's number is from that of the ring's record before; what 12 bits cannot say is in a kSequence record
// before it. Before an allocation whose call site is known stands a kSite record.
#ifndef ALLOCLAB_RECORDER_LAYOUT_H_
#define ALLOCLAB_RECORDER_LAYOUT_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace alloclab::recorder {

inline constexpr std::uint64_t kMagic = 0x3230'4345'5243'4c41;
inline constexpr char kFileVariable[] = "ALLOCLAB_RECORDING";  // names the file to map

inline constexpr std::uint32_t kImagesMax = 1024;  // that live at a time
inline constexpr std::uint32_t kRingsMax = 1024;   // threads of all of them
inline constexpr std::uint64_t kRingWords = 1 << 15;
inline constexpr std::size_t kProgramBytes = 256, kCommandBytes = 1024;
#if defined(__x86_64__)
inline constexpr bool kTakesStacks = true;
#else
inline constexpr bool kTakesStacks = false;  // nobody wrote an unwinder for it
#endif
inline constexpr std::uint32_t kStackMax = 32;         // frames of a site
inline constexpr std::uint32_t kSitesMax = 1 << 16;    // a power of two
inline constexpr std::uint32_t kModulesMax = 1 << 12;  // programs and libraries
inline constexpr int kModuleShift = 48;                // in a frame: above the offset

enum class Kind : std::uint32_t {
  kMalloc = 1,        // address (0: it failed), size
  kCalloc = 2,        // address, size, count
  kFree = 3,          // address
  kReallocBegin = 4,  // old address
  kReallocEnd = 5,    // new address (0: failed, or freed), size
  kAligned = 6,       // address, size, alignment
  kFork = 7,          // a child begins with what is live here
  kSequence = 8,      // then a word: the number before that of the next record
  kSite = 9,          // in place of the address: the call site of the next record
};
inline constexpr std::uint32_t kWordsOf[] = {1, 2, 3, 1, 1, 2, 3, 1, 2, 1};
inline constexpr std::uint32_t kRecordWordsMax = 1 + 2 + 3;  // with a kSite and a kSequence before it
inline constexpr std::uint32_t kAddressShift = 16, kStepShift = 4;
inline constexpr std::uint64_t kKindMask = 15, kStepMax = 0xFFF;

// Of images and rings: taken by a program, given back by the reader.
enum State : std::uint32_t { kFree = 0, kClaimed = 1, kLive = 2 };

struct alignas(64) Image {
  std::atomic<std::uint32_t> state = kFree;
  std::uint32_t pid = 0;
  std::uint64_t serial = 0;          // later ones have higher numbers
  std::uint64_t parent = 0;          // serial of the image that forked; 0: a program was started
  std::uint64_t fork_sequence = 0;   // the number of the parent's kFork record; 0: there is none
  char program[kProgramBytes] = {};  // path; ends with 0
  char command[kCommandBytes] = {};  // arguments, each with a 0 behind it; the last may be cut
  std::uint32_t command_bytes = 0;
  alignas(64) std::atomic<std::uint64_t> next{1};  // number of the next record
  std::atomic<std::uint64_t> lost{0};              // operations that could not be recorded
};

struct alignas(64) Ring {
  std::atomic<std::uint32_t> state = kFree;
  std::uint32_t thread = 0;                           // the kernel's number
  std::uint32_t depth = 0;                            // 0; in signal handlers that interrupted a record: 1 and up
  std::uint64_t image = 0;                            // serial
  std::uint64_t claim = 0;                            // serial of its being taken
  alignas(64) std::atomic<std::uint64_t> written{0};  // words ever
  alignas(64) std::atomic<std::uint64_t> read{0};
};

// A call stack. Whoever finds its place empty takes it by writing the key, and then tells the frames.
struct Site {
  std::atomic<std::uint64_t> key{0};     // hash of the frames; 0: the place is empty
  std::atomic<std::uint32_t> depth{0};   // of frames that are told
  std::uint64_t frames[kStackMax] = {};  // module, from 1 on, and offset in it; the innermost first
};

// A program or library. Likewise.
struct Module {
  std::atomic<std::uint64_t> key{0};
  std::atomic<std::uint32_t> told{0};
  char path[kProgramBytes] = {};  // ends with 0
};

struct Memory {
  std::uint64_t magic = 0;
  std::atomic<std::uint32_t> reader{0};                      // process
  std::atomic<std::uint32_t> closed{0};                      // the reader takes no more
  std::atomic<std::uint64_t> serials{0};                     // given to images, and to rings when they are taken
  std::atomic<std::uint32_t> images_used{0}, rings_used{0};  // all that were ever used are below
  std::uint32_t stack_depth = 0;                             // at most kStackMax; 0: no call sites are asked for
  std::atomic<std::uint64_t> sites_lost{0};                  // allocations whose site had no room in the table
  alignas(64) std::atomic<std::uint32_t> sleeping{0};        // the reader waits for this to become 0 (futex)
  alignas(64) Site sites[kSitesMax];
  Module modules[kModulesMax];
  Image images[kImagesMax];
  Ring rings[kRingsMax];
  alignas(4096) std::uint64_t words[kRingsMax][kRingWords];
};

static_assert(std::atomic<std::uint64_t>::is_always_lock_free && std::atomic<std::uint32_t>::is_always_lock_free);

}  // namespace alloclab::recorder

#endif  // ALLOCLAB_RECORDER_LAYOUT_H_
