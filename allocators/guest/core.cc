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

void Core::Uncount(const Op* from) {
  for (const Op* op = from; op != current->ops + current->op_count; ++op) {
    steps_left += op->instructions;
    loads -= op->loads;
    stores -= op->stores;
  }
}

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

std::uint32_t Core::LoadSlowly(std::uint32_t address, std::uint32_t bytes, Stop::Access access) {
  std::uint32_t number = 0;
  if (const std::byte* place = FindToRead(address); place != nullptr && bytes <= BytesLeftInPage(address)) {
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

void Core::StoreSlowly(std::uint32_t address, std::uint32_t number, std::uint32_t bytes) {
  const std::uint32_t here = std::min(bytes, BytesLeftInPage(address));
  if (std::byte* place = FindToWrite(address); place != nullptr && here == bytes) {
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

// What is left of the block under way must not be done: it may have been written over.
void Core::ForgetCode() {
  if (current != nullptr) {
    for (Op* op = current->ops; op != current->ops + current->op_count; ++op) op->handler = LeaveBlockHandler();
    current->next[0] = current->next[1] = nullptr;
  }
  forgotten = true;
  code.Clear();
}

Block* Core::Find(std::uint32_t address) {
  if (Block* found = code.Find(address); found != nullptr) return found;
  if (!code.HasRoom()) ForgetCode();
  Block& block = Decode(address, code.NextOps(), code.block_ops(), code.NextBlock());
  code.Add();
  return &block;
}

Block* Core::FindSingle(std::uint32_t address) { return &Decode(address, single_ops.data(), 1, single); }

Block& Core::Decode(std::uint32_t address, Op* ops, std::uint32_t limit, Block& block) {
  block = Block{};
  block.ops = ops;
  block.eip = address;
  DecodeBlock(*this, limit, block);
  // Both pages of a single instruction, if it lies in two.
  const std::uint32_t end = ops[block.op_count - 1].next_eip(), here = std::min(end - address, BytesLeftInPage(address));
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
  return block;
}

}  // namespace alloclab::i386
