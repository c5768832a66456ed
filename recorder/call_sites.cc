#include "recorder/call_sites.h"

#include <dlfcn.h>
#include <link.h>
#include <string.h>
#include <unistd.h>

#include <cstddef>

#include "recorder/unwinder.h"

namespace alloclab::recorder {
namespace {

constexpr std::uint32_t kProbesMax = 64;  // places that are looked at

// Sites by the addresses of their stacks, which are other ones in another process. A word: the upper bits of a hash, and the
// number in the lower ones; 0: nothing.
// One that is not in the first of kWays places is in the next ones.
constexpr std::size_t kKnownMax = 1 << 17, kWays = 4;
constexpr std::uint64_t kNumberMask = kKnownMax - 1;
static_assert(kSitesMax < kKnownMax);
constinit std::atomic<std::uint64_t> g_known[kKnownMax];
constinit std::atomic<std::uint64_t> g_program{0};  // module number of the main program; 0: nobody asked yet

std::uint64_t Mix(std::uint64_t hash, std::uint64_t word) {
  hash = (hash ^ word) * 0x9E37'79B9'7F4A'7C15;
  return hash ^ hash >> 32;
}

std::uint64_t HashOf(const std::uint64_t* words, std::uint32_t count) {
  std::uint64_t hash = count;
  for (std::uint32_t i = 0; i < count; ++i) hash = Mix(hash, words[i]);
  return Mix(hash, 0);
}

// The place of a key in a table, found or taken; `fresh` tells which. Null: there is no room.
template <typename Slot>
Slot* FindSlot(Slot* slots, std::uint32_t count, std::uint64_t key, bool& fresh) {
  for (std::uint32_t probe = 0; probe < kProbesMax; ++probe) {
    Slot& slot = slots[(key / 2 + probe) % count];
    std::uint64_t there = 0;
    fresh = slot.key.compare_exchange_strong(there, key);
    if (fresh || there == key) return &slot;
  }
  return nullptr;
}

// Its number, from 1 on; 0: there is no room. The main program has no name: the kernel knows it.
std::uint64_t ModuleNumber(Memory& memory, const char* name) {
  char path[kProgramBytes] = {};
  const bool program = name == nullptr || name[0] == '\0';
  if (const std::uint64_t known = g_program.load(std::memory_order_relaxed); program && known != 0) return known;
  if (!program) {
    strncpy(path, name, kProgramBytes - 1);
  } else if (readlink("/proc/self/exe", path, kProgramBytes - 1) < 0) {
    return 0;
  }
  std::uint64_t hash = 1;
  for (const char* at = path; *at != '\0'; ++at) hash = Mix(hash, static_cast<unsigned char>(*at));
  bool fresh = false;
  Module* const module = FindSlot(memory.modules, kModulesMax, hash | 1, fresh);
  if (module == nullptr) return 0;
  if (fresh) {
    memcpy(module->path, path, kProgramBytes);
    module->told.store(1, std::memory_order_release);
  }
  const std::uint64_t number = static_cast<std::uint64_t>(module - memory.modules) + 1;
  if (program) g_program.store(number, std::memory_order_relaxed);
  return number;
}

// As the table has it: module and offset. Of code that no module has, the address.
std::uint64_t FrameOf(Memory& memory, std::uintptr_t code) {
  constexpr std::uint64_t kOffsetMask = (1ull << kModuleShift) - 1;
  dl_find_object object = {};
  if (_dl_find_object(reinterpret_cast<void*>(code), &object) != 0) return code & kOffsetMask;
  const link_map& module = *object.dlfo_link_map;
  return ModuleNumber(memory, module.l_name) << kModuleShift | ((code - module.l_addr) & kOffsetMask);
}

// A stack that this process has not seen before.
[[gnu::noinline]] std::uint32_t AddSite(Memory& memory, const std::uintptr_t* callers, std::uint32_t depth) {
  std::uint64_t frames[kStackMax];
  for (std::uint32_t i = 0; i < depth; ++i) frames[i] = FrameOf(memory, callers[i]);
  bool fresh = false;
  Site* const site = FindSlot(memory.sites, kSitesMax, HashOf(frames, depth) | 1, fresh);
  if (site == nullptr) return 0;
  if (fresh) {
    memcpy(site->frames, frames, depth * sizeof(frames[0]));
    site->depth.store(depth, std::memory_order_release);
  }
  return static_cast<std::uint32_t>(site - memory.sites) + 1;
}

}  // namespace

std::uint32_t CurrentSite(Memory& memory) {
  std::uintptr_t callers[kStackMax];
  const std::uint32_t wanted = memory.stack_depth;
  const std::uint32_t depth = TakeStack(callers, wanted < kStackMax ? wanted : kStackMax);
  if (depth == 0) return 0;
  std::uint64_t hash = depth;
  for (std::uint32_t i = 0; i < depth; ++i) hash = Mix(hash, callers[i]);
  std::atomic<std::uint64_t>* place = &g_known[(hash & kNumberMask) ^ (hash >> 60 & (kWays - 1))];  // to write over
  for (std::size_t way = 0; way < kWays; ++way) {
    std::atomic<std::uint64_t>& known = g_known[(hash & kNumberMask) ^ way];
    const std::uint64_t word = known.load(std::memory_order_relaxed);
    if ((word & kNumberMask) != 0 && (word ^ hash) <= kNumberMask) return static_cast<std::uint32_t>(word & kNumberMask);
    if (word == 0) {
      place = &known;
      break;
    }
  }
  const std::uint32_t site = AddSite(memory, callers, depth);
  if (site == 0) {
    memory.sites_lost.fetch_add(1, std::memory_order_relaxed);
  } else {
    place->store((hash & ~kNumberMask) | site, std::memory_order_relaxed);
  }
  return site;
}

void ForgetSites() {
  ForgetCode();
  for (std::atomic<std::uint64_t>& known : g_known) {
    if (known.load(std::memory_order_relaxed) != 0) known.store(0, std::memory_order_relaxed);
  }
}

}  // namespace alloclab::recorder
