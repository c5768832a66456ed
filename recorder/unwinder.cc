#include "recorder/unwinder.h"

#include <string.h>

#include <atomic>
#include <cstddef>

#include "recorder/frame_rules.h"

#if defined(__x86_64__)

// Where this library begins, and where its code ends, by the linker.
extern "C" {
extern const char __ehdr_start __attribute__((visibility("hidden")));
extern const char __etext __attribute__((visibility("hidden")));
}

namespace alloclab::recorder {
namespace {

// A word for an instruction: the upper 31 of its address's 47 bits, which are not 0, and its rule in 33. Its place in the table
// is the lower 16 bits.
constexpr std::size_t kRulesKept = 1 << 16;
constexpr int kRuleBits = 33, kKindBits = 3, kCfaBits = 16, kRbpBits = 14;
static_assert(kKindBits + kCfaBits + kRbpBits == kRuleBits);
constinit std::atomic<std::uint64_t> g_rules[kRulesKept];

constexpr std::uint64_t kFrameBytesMax = 16 << 20;  // what is larger is no frame

// 0: it cannot be kept.
std::uint64_t Pack(std::uintptr_t code, const FrameRule& rule) {
  const std::int64_t cfa = rule.kind == FrameRule::kRealigned ? -rule.cfa_offset : rule.cfa_offset, rbp = -rule.rbp_offset;
  const bool fits = cfa >= 0 && rbp >= 0 && cfa % 8 == 0 && rbp % 8 == 0 && cfa / 8 < 1 << kCfaBits && rbp / 8 < 1 << kRbpBits;
  if (rule.kind == FrameRule::kUnknown || !fits || code >> 47 != 0) return 0;
  return code >> 16 << kRuleBits | static_cast<std::uint64_t>(rbp / 8) << (kKindBits + kCfaBits) |
         static_cast<std::uint64_t>(cfa / 8) << kKindBits | rule.kind;
}

FrameRule Unpack(std::uint64_t word) {
  FrameRule rule{.kind = static_cast<FrameRule::Kind>(word & ((1 << kKindBits) - 1))};
  rule.cfa_offset = static_cast<std::int64_t>(word >> kKindBits & ((1 << kCfaBits) - 1)) * 8;
  if (rule.kind == FrameRule::kRealigned) rule.cfa_offset = -rule.cfa_offset;
  rule.rbp_offset = -static_cast<std::int64_t>(word >> (kKindBits + kCfaBits) & ((1 << kRbpBits) - 1)) * 8;
  return rule;
}

inline FrameRule RuleFor(std::uintptr_t code) {
  std::atomic<std::uint64_t>& slot = g_rules[code % kRulesKept];
  const std::uint64_t word = slot.load(std::memory_order_relaxed);
  if (word >> kRuleBits == code >> 16 && word != 0) return Unpack(word);
  const FrameRule rule = FindFrameRule(code);
  if (const std::uint64_t packed = Pack(code, rule); packed != 0) slot.store(packed, std::memory_order_relaxed);
  return rule;
}

inline std::uint64_t Load(std::uint64_t address) { return *reinterpret_cast<const std::uint64_t*>(address); }

struct Registers {
  std::uint64_t code = 0, rsp = 0, rbp = 0;

  // Whether that is a word of the stack that may be the frame's.
  bool IsNear(std::uint64_t address) const { return address - rsp < kFrameBytesMax && address % 8 == 0; }

  // To the caller. False: the stack ends.
  bool Step(const FrameRule& rule) {
    if (rule.kind == FrameRule::kSignal) {  // of ucontext_t
      constexpr std::uint64_t kContextRbp = 120, kContextRsp = 160, kContextRip = 168;
      const std::uint64_t context = rsp;
      rbp = Load(context + kContextRbp);
      rsp = Load(context + kContextRsp);
      code = Load(context + kContextRip);
      return true;
    }
    std::uint64_t cfa = 0;
    if (rule.kind == FrameRule::kRsp) cfa = rsp + static_cast<std::uint64_t>(rule.cfa_offset);
    if (rule.kind == FrameRule::kRbp) cfa = rbp + static_cast<std::uint64_t>(rule.cfa_offset);
    if (rule.kind == FrameRule::kRealigned) {
      const std::uint64_t place = rbp + static_cast<std::uint64_t>(rule.cfa_offset);
      if (!IsNear(place) || !IsNear(rbp)) return false;
      cfa = Load(place);
    }
    if (!IsNear(cfa) || cfa - rsp < 8) return false;
    if (rule.kind == FrameRule::kRealigned) {
      rbp = Load(rbp);
    } else if (rule.rbp_offset != 0) {
      const std::uint64_t place = cfa + static_cast<std::uint64_t>(rule.rbp_offset);
      if (!IsNear(place)) return false;
      rbp = Load(place);
    }
    code = Load(cfa - 8) - 1;
    rsp = cfa;
    return code + 1 != 0;
  }
};

}  // namespace

[[gnu::noinline]] std::uint32_t TakeStack(std::uintptr_t* callers, std::uint32_t max) {
  Registers frame;
  asm volatile("leaq 0(%%rip), %0\n\tmovq %%rsp, %1\n\tmovq %%rbp, %2" : "=&r"(frame.code), "=&r"(frame.rsp), "=&r"(frame.rbp));
  const auto begin = reinterpret_cast<std::uint64_t>(&__ehdr_start), end = reinterpret_cast<std::uint64_t>(&__etext);
  std::uint32_t count = 0;
  for (std::uint32_t steps = 0; count < max && steps < 2 * max + 16 && frame.Step(RuleFor(frame.code)); ++steps) {
    if (frame.code - begin < end - begin && count == 0) continue;
    callers[count++] = frame.code;
  }
  return count;
}

void ForgetCode() {
  for (std::atomic<std::uint64_t>& rule : g_rules) {
    if (rule.load(std::memory_order_relaxed) != 0) rule.store(0, std::memory_order_relaxed);
  }
}

}  // namespace alloclab::recorder

#else

namespace alloclab::recorder {

std::uint32_t TakeStack(std::uintptr_t*, std::uint32_t) { return 0; }
void ForgetCode() {}

}  // namespace alloclab::recorder

#endif
