// Several instructions of the stack at once, as functions begin and end with them: the stack pointer changes once, and one page
// is looked up. All of them are done if nothing can go wrong, else the first one alone.
#include "allocators/guest/handlers.h"
#include "allocators/guest/operands.h"

namespace alloclab::i386 {
namespace {

// So many words from an address on, if they lie in one page that is at hand for that access; else null.
template <Stop::Access access, std::uint32_t words>
auto* PlaceOfWords(const Core& core, std::uint32_t first) {
  auto* place = core.Place<std::uint32_t, access>(first);
  return first % kPageBytes <= kPageBytes - words * kWordBytes ? place : nullptr;
}

[[gnu::noinline, gnu::cold]] const Op* PushAlone(Core& core, const Op* op) {
  return PushHandler(kWordBytes, Where::kRegister)(core, op);
}
[[gnu::noinline, gnu::cold]] const Op* PopAlone(Core& core, const Op* op) {
  return PopHandler(kWordBytes, Where::kRegister)(core, op);
}

template <std::uint32_t pushes>
void Push(const Core& core, const Op* op, std::byte* lowest) {
  for (std::uint32_t i = 0; i < pushes; ++i) {
    std::memcpy(lowest + (pushes - 1 - i) * kWordBytes, &core.registers[op[i].rm], kWordBytes);
  }
}
template <std::uint32_t pops>
void Pop(Core& core, const Op* op, const std::byte* top) {
  for (std::uint32_t i = 0; i < pops; ++i) std::memcpy(&core.registers[op[i].rm], top + i * kWordBytes, kWordBytes);
}

template <std::uint32_t pushes>
const Op* DoPushes(Core& core, const Op* op) {
  const std::uint32_t top = core.registers[kEsp] - pushes * kWordBytes;
  std::byte* place = PlaceOfWords<Stop::Access::kWrite, pushes>(core, top);
  if (place == nullptr) [[unlikely]]
    return PushAlone(core, op);
  Push<pushes>(core, op, place);
  core.registers[kEsp] = top;
  return Next(core, op + pushes);
}

// push ebp; mov ebp, esp; and pushes behind them.
template <std::uint32_t pushes>
const Op* DoFrame(Core& core, const Op* op) {
  const std::uint32_t frame = core.registers[kEsp] - kWordBytes, top = frame - pushes * kWordBytes;
  std::byte* place = PlaceOfWords<Stop::Access::kWrite, pushes + 1>(core, top);
  if (place == nullptr) [[unlikely]]
    return PushAlone(core, op);
  std::memcpy(place + pushes * kWordBytes, &core.registers[kEbp], kWordBytes);
  core.registers[kEbp] = frame;
  Push<pushes>(core, op + 2, place);
  core.registers[kEsp] = top;
  return Next(core, op + 2 + pushes);
}

template <std::uint32_t pops>
const Op* DoPops(Core& core, const Op* op) {
  const std::byte* place = PlaceOfWords<Stop::Access::kRead, pops>(core, core.registers[kEsp]);
  if (place == nullptr) [[unlikely]]
    return PopAlone(core, op);
  Pop<pops>(core, op, place);
  core.registers[kEsp] += pops * kWordBytes;
  return Next(core, op + pops);
}

// Pops, and a return behind them.
template <std::uint32_t pops>
const Op* DoReturn(Core& core, const Op* op) {
  const std::byte* place = PlaceOfWords<Stop::Access::kRead, pops + 1>(core, core.registers[kEsp]);
  if (place == nullptr) [[unlikely]]
    return PopAlone(core, op);
  std::uint32_t target;
  std::memcpy(&target, place + pops * kWordBytes, sizeof(target));
  Pop<pops>(core, op, place);
  core.registers[kEsp] += (pops + 1) * kWordBytes + op[pops].immediate;
  return core.JumpTo(op + pops, target);
}

constexpr Handler kPushes[] = {DoPushes<1>, DoPushes<2>, DoPushes<3>, DoPushes<4>};
constexpr Handler kPops[] = {DoPops<1>, DoPops<2>, DoPops<3>, DoPops<4>};
constexpr Handler kFrames[] = {DoFrame<0>, DoFrame<1>, DoFrame<2>, DoFrame<3>, DoFrame<4>};
constexpr Handler kReturns[] = {DoReturn<1>, DoReturn<2>, DoReturn<3>, DoReturn<4>};

}  // namespace

Handler PushesHandler(std::uint32_t pushes) { return kPushes[pushes - 1]; }
Handler PopsHandler(std::uint32_t pops) { return kPops[pops - 1]; }
Handler FrameHandler(std::uint32_t pushes) { return kFrames[pushes]; }
Handler PopsAndReturnHandler(std::uint32_t pops) { return kReturns[pops - 1]; }

}  // namespace alloclab::i386
