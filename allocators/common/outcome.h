// What the simulated program got for one operation. An outcome is a value in the result, never an error of the lab:
// a double free inside the simulation is something to look at, not a failed call.
#ifndef ALLOCLAB_ALLOCATORS_COMMON_OUTCOME_H_
#define ALLOCLAB_ALLOCATORS_COMMON_OUTCOME_H_

#include <cstdint>
#include <optional>
#include <string_view>

namespace alloclab {

// The numbers travel in batches and are stored with results: append, never renumber.
enum class Outcome : std::uint8_t {
  kOk = 0,
  kZeroSize = 1,  // malloc(0), calloc of 0, realloc to 0: null, as the original returns it

  // The request was legal but could not be served; nothing changed.
  kOutOfMemory = 2,  // no page frame, or no free bytes, left
  kHeapLimit = 3,    // the break would pass the end of the heap's address range
  kFragmented = 4,   // enough bytes are free, but no single chunk or run is large enough

  // Invalid use, noticed by a guarded allocator; nothing changed.
  kSizeOverflow = 16,       // size + header, or count * size, does not fit 32 bits, or is more than the original takes
  kDoubleFree = 17,         // the block is free already
  kInteriorPointer = 18,    // inside the heap, but not the start of a block
  kForeignPointer = 19,     // outside the heap
  kMisalignedPointer = 20,  // not a multiple of the allocator's alignment
  kZeroLength = 21,         // pages: length 0
  kNegativeLength = 22,     // pages: length with the sign bit set
  kUnalignedLength = 23,    // pages: length not a multiple of the page size
  kOutsideArena = 24,       // pages: range not wholly inside the arena
  kOverlapsFree = 25,       // pages: range starts allocated and runs into a free run
  kFrameInUse = 26,         // pages: range holds a page table or a frame that the heap lives in
  kUnsupported = 27,        // this instance has no allocator for the operation
  kPartialFree = 28,        // pages: not a whole block, and the allocator frees only these

  // The original's own end of the world; seen in unguarded mode only. Simulated RAM changed as the original changes it.
  kPanic = 40,            // xv6 panic(): "kalloc", "kfree", "freeing free page"
  kAssertionFailed = 41,  // LunaixOS assert_msg(): "free(): invalid pointer", "free(): invalid size"
  kMachineFault = 42,     // the code touched an address that is not mapped; the result's address names it
  kMachineHang = 43,      // the code would loop for ever
};

// Stable lower-case name ("double_free"), used in protos, metrics, tables and JSON.
std::string_view OutcomeName(Outcome outcome);

// The outcome of that number, or nothing if no outcome has it.
std::optional<Outcome> OutcomeFromNumber(std::uint32_t number);

// The operation did what it was asked for (a null for a request of zero bytes included).
constexpr bool Succeeded(Outcome outcome) { return outcome <= Outcome::kZeroSize; }

// The request was legal but could not be served.
constexpr bool Refused(Outcome outcome) { return outcome >= Outcome::kOutOfMemory && outcome <= Outcome::kFragmented; }

// One more than the largest number in use: the size of an array indexed by outcome.
inline constexpr std::uint32_t kOutcomeSlots = 44;

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_COMMON_OUTCOME_H_
