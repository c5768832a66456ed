#include "allocators/guest/vectors.h"

#include <sstream>

#include "absl/strings/escaping.h"
#include "absl/strings/str_format.h"

namespace alloclab {

std::string Hex(std::string_view bytes) { return absl::BytesToHexString({bytes.data(), bytes.size()}); }

std::string ToLine(const Vector& vector) {
  std::string line = absl::StrFormat("%s %x", Hex(vector.code), vector.undefined);
  for (const std::uint32_t reg : vector.before.registers) absl::StrAppendFormat(&line, " %x", reg);
  absl::StrAppendFormat(&line, " %x %x", vector.before.eflags, vector.before.window_seed);
  for (const std::uint32_t reg : vector.after.registers) absl::StrAppendFormat(&line, " %x", reg);
  absl::StrAppendFormat(&line, " %x %x", vector.after.eflags, vector.after.divide_error ? 1 : 0);
  for (std::size_t i = 0; i < vector.after.window.size(); ++i) {
    if (vector.before.window[i] != vector.after.window[i]) absl::StrAppendFormat(&line, " %x:%x", i, vector.after.window[i]);
  }
  return line;
}

Vector FromLine(const std::string& line) {
  Vector vector;
  std::istringstream in(line);
  in >> std::hex;
  std::string code;
  in >> code >> vector.undefined;
  vector.code = absl::HexStringToBytes(code);
  for (std::uint32_t& reg : vector.before.registers) in >> reg;
  in >> vector.before.eflags >> vector.before.window_seed;
  FillWindow(vector.before);
  for (std::uint32_t& reg : vector.after.registers) in >> reg;
  std::uint32_t divide_error = 0, place = 0, byte = 0;
  in >> vector.after.eflags >> divide_error;
  ALLOCLAB_CHECK(!in.fail());
  vector.after.divide_error = divide_error != 0;
  vector.after.window = vector.before.window;
  for (char colon; in >> place >> colon >> byte;) vector.after.window.at(place) = static_cast<std::uint8_t>(byte);
  return vector;
}

Scene VectorMachine::Run(const Scene& before, std::string_view code) {
  if (at_ + code.size() > 15 * kPageBytes) {
    at_ = 0;
    machine_.cpu().ForgetTranslations();
  }
  const std::uint32_t start = GuestMachine::kCode + at_, end = start + static_cast<std::uint32_t>(code.size());
  at_ += static_cast<std::uint32_t>(code.size()) + 1;
  machine_.Write(start, std::string(code) + '\xCC');
  Enter(machine_, before);
  machine_.cpu().set_eip(start);
  const Stop stop = machine_.cpu().Run(10'000);
  ALLOCLAB_CHECK(stop.kind == Stop::Kind::kDivideError || (stop.kind == Stop::Kind::kBreakpoint && stop.eip == end + 1));
  return Leave(machine_, stop);
}

}  // namespace alloclab
