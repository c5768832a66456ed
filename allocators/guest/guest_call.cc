#include "allocators/guest/guest_call.h"

#include <algorithm>
#include <span>
#include <vector>

#include "absl/strings/str_format.h"

namespace alloclab {
namespace {

constexpr std::uint8_t kService = 0x40;

std::string ExplainService(const I386Cpu& cpu) {
  switch (ServiceAsked(cpu)) {
    case GuestService::kExit:
      return absl::StrFormat("exit(%d)", static_cast<std::int32_t>(cpu.reg(I386Cpu::kEbx)));
    case GuestService::kAbort:
      return "abort()";
    default:
      return absl::StrFormat("service %d; there is none", cpu.reg(I386Cpu::kEax));
  }
}

}  // namespace

bool IsService(const Stop& stop) { return stop.kind == Stop::Kind::kInterrupt && stop.vector == kService; }

// What has no room any more is not read.
std::uint32_t GuestText::Write(AddressSpace& space, VirtAddr text, std::uint32_t bytes) {
  std::vector<std::uint8_t> read(std::min<std::size_t>(bytes, kPrintedBytesMax - printed.size()));
  if (!space.Read(text, read)) return ~0u;
  printed.append(read.begin(), read.end());
  printed_bytes += bytes;
  return bytes;
}

GuestEnd EndOf(const Stop& stop, const I386Cpu& cpu, bool left) {
  GuestEnd end{Outcome::kPanic, stop.eip};
  if (stop.kind == Stop::Kind::kBudget || left) end.outcome = Outcome::kMachineHang;
  if (stop.kind == Stop::Kind::kPageFault) {
    end = {stop.no_frame ? Outcome::kOutOfMemory : Outcome::kMachineFault, stop.address};
  }
  if (IsService(stop) && ServiceAsked(cpu) == GuestService::kAbort) end.outcome = Outcome::kAssertionFailed;
  return end;
}

std::string ExplainStop(const Stop& stop, const I386Cpu& cpu, const ElfProgram& program, std::uint32_t stack,
                        std::uint64_t steps_max, bool left) {
  if (IsService(stop)) return ExplainService(cpu);
  if (left) return "nobody waited for it any more";
  if (stop.kind == Stop::Kind::kBudget) return absl::StrFormat("not back after %d steps", steps_max);
  if (stop.kind == Stop::Kind::kInterrupt) return absl::StrFormat("int %#x; there is none", stop.vector);
  if (stop.kind != Stop::Kind::kPageFault) return std::string(StopName(stop.kind));
  const char* const kNames[] = {"read", "write", "fetch of code"};
  std::string text = absl::StrFormat("%s at 0x%08x", kNames[static_cast<int>(stop.access)], stop.address);
  const auto holds = [&stop](const ElfProgram::Segment& segment) {
    return stop.address >= segment.address && stop.address < segment.end();
  };
  if (stop.no_frame) return text + ": no page frame is left";
  if (stop.address < kPageBytes) return text + ": a null pointer";
  if (stop.address < stack && stop.address >= stack - kPageBytes) return text + ": the stack is full";
  if (std::any_of(program.segments().begin(), program.segments().end(), holds)) return text + ": it may not be written";
  return text + ": nothing is there";
}

}  // namespace alloclab
