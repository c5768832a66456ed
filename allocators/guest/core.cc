#include "allocators/guest/core.h"

#include <algorithm>

#include "allocators/guest/decoder.h"
#include "allocators/guest/handlers.h"

namespace alloclab::i386 {
namespace {

constexpr Stop kNothing{};

Op Halt() {
  Op op;
  op.handler = [](Core&, const Op* self) { return self; };
  return op;
}

std::uint32_t PageOf(std::uint32_t address) { return address & pte::kFrameMask; }
std::uint32_t BytesLeftInPage(std::uint32_t address) { return kPageBytes - address % kPageBytes; }

}  // namespace

Core::Core(AddressSpace& address_space) : halt(Halt()), space(address_space) { space.memory().AddPointerKeeper(this); }
Core::~Core() { space.memory().RemovePointerKeeper(this); }

void Core::ThrowFault(Stop::Access access) const {
  const PageFault& fault = *space.last_fault();
  Stop stop = kNothing;
  stop.kind = Stop::Kind::kPageFault;
  stop.access = access;
  stop.no_frame = fault.kind == PageFault::Kind::kNoFrame;
  stop.address = fault.address.raw();
  throw stop;
}

std::optional<PageFrame> Core::FrameAt(std::uint32_t address) const {
  const std::optional<PhysAddr> phys = space.Translate(VirtAddr(address)).phys;
  return phys ? std::optional(FrameOf(*phys)) : std::nullopt;
}

std::uint32_t Core::LoadSlowly(const Op* op, std::uint32_t address, std::uint32_t bytes, Stop::Access access) {
  at = op;
  std::uint32_t number = 0;
  const std::byte* place = Place<std::uint8_t, Stop::Access::kRead>(address);
  if (place != nullptr && bytes <= BytesLeftInPage(address)) {
    std::memcpy(&number, place, bytes);
    return number;
  }
  std::array<std::uint8_t, kWordBytes> read{};
  if (!space.Read(VirtAddr(address), std::span(read).first(bytes))) ThrowFault(access);
  if (const std::optional<PageFrame> frame = FrameAt(address); frame) {
    to_read[PageIndex(address)] = {PageOf(address), std::as_bytes(std::span(*space.memory().WordsToRead(*frame))).data()};
  }
  return std::bit_cast<std::uint32_t>(read);
}

void Core::StoreSlowly(const Op* op, std::uint32_t address, std::uint32_t number, std::uint32_t bytes) {
  at = op;
  const std::uint32_t here = std::min(bytes, BytesLeftInPage(address));
  if (std::byte* place = Place<std::uint8_t, Stop::Access::kWrite>(address); place != nullptr && here == bytes) {
    std::memcpy(place, &number, bytes);
    return;
  }
  const auto written = std::bit_cast<std::array<std::uint8_t, kWordBytes>>(number);
  if (!space.WriteAtOnce(VirtAddr(address), std::span(written).first(bytes))) ThrowFault(Stop::Access::kWrite);
  AfterWrite(address, here);
  if (here < bytes) AfterWrite(address + here, bytes - here);
}

void Core::AfterWrite(std::uint32_t address, std::uint32_t bytes) {
  const std::optional<PageFrame> frame = FrameAt(address);
  if (!frame || space.memory().IsTable(*frame)) return;
  if (code.HasBytes(*frame, address % kPageBytes, bytes)) {
    code.ShortenBlocks();
    ForgetCode();
  } else if (!code.HasBytes(*frame)) {
    PhysicalMemory::FrameWords* words = space.memory().WordsToWrite(*frame, 0, kPageBytes);
    to_write[PageIndex(address)] = {PageOf(address), std::as_writable_bytes(std::span(*words)).data()};
  }
}

void Core::ForgetTranslations() {
  to_read.fill({});
  to_write.fill({});
  ForgetCode();
}

// What is left of the block under way must not be done: it may have been written over. That is from the next op on, or the next
// but one where two were fused.
void Core::ForgetCode() {
  if (at != nullptr) {
    at[1].handler = at[2].handler = LeaveBlockHandler();
    at[0].next = at[1].next = nullptr;
  }
  forgotten = true;
  code.Clear();
}

const Op* Core::Find(std::uint32_t address) {
  if (const Op* found = code.Find(address); found != nullptr) return found;
  Op* ops;
  std::uint32_t op_count;
  do {  // again if bringing the page made all be forgotten
    if (!code.HasRoom()) ForgetCode();
    ops = code.NextOps();
    op_count = Decode(address, code.block_ops(), ops);
  } while (ops != code.NextOps());
  code.Add(op_count);
  return ops;
}

const Op* Core::FindSingle(std::uint32_t address) {
  (void)Decode(address, 1, single_ops.data());
  return single_ops.data();
}

std::uint32_t Core::Decode(std::uint32_t address, std::uint32_t limit, Op* ops) {
  const std::uint32_t op_count = DecodeBlock(*this, address, limit, ops);
  // Both pages of a single instruction, if it lies in two.
  const std::uint32_t end = ops[op_count - 1].eip, here = std::min(end - address, BytesLeftInPage(address));
  for (const auto& [first, bytes] : {std::pair(address, here), std::pair(address + here, end - address - here)}) {
    if (bytes == 0) continue;
    const Translation place = space.Translate(VirtAddr(first));
    const std::optional<PageFrame> frame = place.phys ? std::optional(FrameOf(*place.phys)) : std::nullopt;
    if (!frame || !code.AddBytes(*frame, first % kPageBytes, bytes)) continue;
    // Whoever writes there is not the program, and does not tell.
    if ((place.pte & pte::kWritable) == 0) space.memory().MarkTable(*frame);
    const std::byte* words = std::as_bytes(std::span(*space.memory().WordsToRead(*frame))).data();
    for (auto& page : to_write) {  // at whatever address
      if (page.bytes == words) page = {};
    }
  }
  return op_count;
}

}  // namespace alloclab::i386
