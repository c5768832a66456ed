#include "recorder/frame_rules.h"

#include <dlfcn.h>
#include <string.h>

namespace alloclab::recorder {
namespace {

constexpr std::uint64_t kRbpRegister = 6, kRspRegister = 7, kReturnRegister = 16;
constexpr int kStatesMax = 8;  // that are remembered at a time

// What the linker and the compilers put into a program: read as it is, up to an end.
struct Bytes {
  const std::uint8_t* at = nullptr;
  const std::uint8_t* end = nullptr;
  bool ok = true;

  bool empty() const { return at >= end || !ok; }
  template <class Number>
  Number Get() {
    Number number{};
    if (static_cast<std::uint64_t>(end - at) < sizeof(number) || !ok) {
      ok = false;
      return number;
    }
    memcpy(&number, at, sizeof(number));
    at += sizeof(number);
    return number;
  }
  std::uint64_t Unsigned() { return Leb(false); }
  std::int64_t Signed() { return static_cast<std::int64_t>(Leb(true)); }
  Bytes Block() {
    const std::uint64_t size = Unsigned();
    if (size > static_cast<std::uint64_t>(end - at)) ok = false;
    if (!ok) return {nullptr, nullptr, false};
    at += size;
    return {at - size, at, true};
  }

 private:
  std::uint64_t Leb(bool is_signed) {
    std::uint64_t number = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = Get<std::uint8_t>();
      number |= std::uint64_t{byte & 0x7Fu} << shift;
      if ((byte & 0x80) != 0) continue;
      if (is_signed && (byte & 0x40) != 0 && shift + 7 < 64) number |= ~std::uint64_t{0} << (shift + 7);
      return number;
    }
    ok = false;
    return 0;
  }
};

// A pointer as its encoding (DW_EH_PE) says; of the encodings that linkers use.
std::uint64_t Pointer(Bytes& bytes, std::uint8_t encoding) {
  constexpr std::uint8_t kRelative = 0x10, kPlaceMask = 0xF0, kFormMask = 0x0F;
  const auto place = reinterpret_cast<std::uint64_t>(bytes.at);
  std::uint64_t value = 0;
  switch (encoding & kFormMask) {
    case 0x0:
    case 0x4:
    case 0xC:
      value = bytes.Get<std::uint64_t>();
      break;
    case 0x3:
      value = bytes.Get<std::uint32_t>();
      break;
    case 0xB:
      value = static_cast<std::uint64_t>(bytes.Get<std::int32_t>());
      break;
    default:
      bytes.ok = false;
  }
  if ((encoding & kPlaceMask) == kRelative) return value + place;
  if ((encoding & kPlaceMask) != 0) bytes.ok = false;
  return value;
}

// A record of .eh_frame from its length on: what follows the length.
Bytes Record(const std::uint8_t* at) {
  std::uint32_t length = 0;
  memcpy(&length, at, sizeof(length));
  if (length == 0 || length >= 0xFFFF'FFF0) return {nullptr, nullptr, false};
  return {at + sizeof(length), at + sizeof(length) + length, true};
}

// What many functions have in common.
struct Common {
  Bytes program;
  std::uint64_t code_unit = 1;
  std::int64_t data_unit = 1;
  std::uint8_t pointers = 0;
  bool sized = false, signal = false, ok = false;
};

Common ReadCommon(const std::uint8_t* at) {
  Common common;
  Bytes bytes = Record(at);
  if (bytes.Get<std::uint32_t>() != 0) return common;
  const auto version = bytes.Get<std::uint8_t>();
  const auto* const letters = bytes.at;
  while (bytes.ok && bytes.Get<std::uint8_t>() != 0) {
  }
  common.code_unit = bytes.Unsigned();
  common.data_unit = bytes.Signed();
  const std::uint64_t return_register = version == 1 ? bytes.Get<std::uint8_t>() : bytes.Unsigned();
  if (!bytes.ok || return_register != kReturnRegister) return common;
  common.ok = true;
  if (*letters == 'z') {
    common.sized = true;
    Bytes data = bytes.Block();
    for (const std::uint8_t* letter = letters + 1; *letter != 0; ++letter) {
      if (*letter == 'R') {
        common.pointers = data.Get<std::uint8_t>();
      } else if (*letter == 'L') {
        data.Get<std::uint8_t>();
      } else if (*letter == 'P') {
        const auto encoding = data.Get<std::uint8_t>();
        Pointer(data, encoding & 0x7F);
      } else if (*letter == 'S') {
        common.signal = true;
      } else {
        common.ok = false;
      }
    }
    common.ok = common.ok && data.ok;
  } else if (*letters != 0) {
    common.ok = false;
  }
  common.program = bytes;
  common.ok = common.ok && bytes.ok;
  return common;
}

enum class Where : std::uint8_t { kSame, kAtCfa, kAtRbp, kUndefined, kOther };
struct Saved {
  Where where = Where::kSame;
  std::int64_t offset = 0;
};
struct State {
  std::uint64_t cfa_register = 0;
  std::int64_t cfa_offset = 0;
  bool cfa_in_memory = false, cfa_unknown = false;
  Saved rbp, back;  // the return address
};

// The program of a function: what holds at `code`.
class FrameProgram {
 public:
  FrameProgram(const Common& common, std::uint64_t begin, std::uint64_t code) : common_(common), place_(begin), code_(code) {}

  // False: it is not understood.
  bool Run(Bytes own) {
    if (!Run(common_.program, false)) return false;
    initial_ = state_;
    return Run(own, true);
  }
  const State& state() const { return state_; }

 private:
  bool Run(Bytes bytes, bool moves) {
    while (!bytes.empty()) {
      const auto opcode = bytes.Get<std::uint8_t>();
      const std::uint64_t low = opcode & 0x3F;
      if (opcode >> 6 == 1) {
        place_ += low * common_.code_unit;
      } else if (opcode >> 6 == 2) {
        Set(low, {Where::kAtCfa, static_cast<std::int64_t>(bytes.Unsigned()) * common_.data_unit});
      } else if (opcode >> 6 == 3) {
        Restore(low);
      } else if (!RunOther(opcode, bytes)) {
        return false;
      }
      if (moves && place_ > code_) return true;
    }
    return bytes.ok;
  }

  bool RunOther(std::uint8_t opcode, Bytes& bytes) {
    const auto unit = common_.data_unit;
    switch (opcode) {
      case 0x00:  // nothing
        return true;
      case 0x02:
        place_ += bytes.Get<std::uint8_t>() * common_.code_unit;
        return true;
      case 0x03:
        place_ += bytes.Get<std::uint16_t>() * common_.code_unit;
        return true;
      case 0x04:
        place_ += bytes.Get<std::uint32_t>() * common_.code_unit;
        return true;
      case 0x0A:
        if (remembered_ == kStatesMax) return false;
        states_[remembered_++] = state_;
        return true;
      case 0x0B:
        if (remembered_ == 0) return false;
        state_ = states_[--remembered_];
        return true;
      case 0x0C: {
        const std::uint64_t number = bytes.Unsigned();
        SetCfa(number, static_cast<std::int64_t>(bytes.Unsigned()));
        return true;
      }
      case 0x0D:
        SetCfa(bytes.Unsigned(), state_.cfa_offset);
        return true;
      case 0x0E:
        SetCfa(state_.cfa_register, static_cast<std::int64_t>(bytes.Unsigned()));
        return true;
      case 0x0F:
        SetCfaExpression(bytes.Block());
        return true;
      case 0x12: {
        const std::uint64_t number = bytes.Unsigned();
        SetCfa(number, bytes.Signed() * unit);
        return true;
      }
      case 0x13:
        SetCfa(state_.cfa_register, bytes.Signed() * unit);
        return true;
      case 0x2E:  // how large the arguments are
        bytes.Unsigned();
        return true;
      default:
        return RunRegister(opcode, bytes);
    }
  }

  // Instructions of which the first operand is a register.
  bool RunRegister(std::uint8_t opcode, Bytes& bytes) {
    const std::uint64_t number = bytes.Unsigned();
    switch (opcode) {
      case 0x05:
        Set(number, {Where::kAtCfa, static_cast<std::int64_t>(bytes.Unsigned()) * common_.data_unit});
        return true;
      case 0x06:
        Restore(number);
        return true;
      case 0x07:
        Set(number, {Where::kUndefined});
        return true;
      case 0x08:
        Set(number, {Where::kSame});
        return true;
      case 0x09:  // in another register
        bytes.Unsigned();
        Set(number, {Where::kOther});
        return true;
      case 0x10: {  // at an address that is calculated: rbp + 0 is known
        const Bytes block = bytes.Block();
        const bool at_rbp = block.ok && block.end - block.at == 2 && block.at[0] == 0x76 && block.at[1] == 0;
        Set(number, {at_rbp ? Where::kAtRbp : Where::kOther});
        return true;
      }
      case 0x11:
        Set(number, {Where::kAtCfa, bytes.Signed() * common_.data_unit});
        return true;
      case 0x14:
      case 0x15:
        bytes.Unsigned();
        Set(number, {Where::kOther});
        return true;
      case 0x16:
        bytes.Block();
        Set(number, {Where::kOther});
        return true;
      case 0x2F:
        Set(number, {Where::kAtCfa, -static_cast<std::int64_t>(bytes.Unsigned()) * common_.data_unit});
        return true;
      default:
        return false;
    }
  }

  void Set(std::uint64_t number, Saved saved) {
    if (number == kRbpRegister) state_.rbp = saved;
    if (number == kReturnRegister) state_.back = saved;
  }
  void Restore(std::uint64_t number) {
    if (number == kRbpRegister) state_.rbp = initial_.rbp;
    if (number == kReturnRegister) state_.back = initial_.back;
  }
  void SetCfa(std::uint64_t number, std::int64_t offset) {
    state_.cfa_register = number;
    state_.cfa_offset = offset;
    state_.cfa_in_memory = state_.cfa_unknown = false;
  }
  // The word at rbp + so much is known, of functions that align their stack.
  void SetCfaExpression(Bytes block) {
    state_.cfa_unknown = true;
    if (block.Get<std::uint8_t>() != 0x76) return;
    const std::int64_t offset = block.Signed();
    if (block.Get<std::uint8_t>() != 0x06 || !block.ok || block.at != block.end) return;
    SetCfa(kRbpRegister, offset);
    state_.cfa_in_memory = true;
  }

  const Common& common_;
  std::uint64_t place_;
  const std::uint64_t code_;
  State state_, initial_, states_[kStatesMax];
  int remembered_ = 0;
};

FrameRule RuleOf(const State& state) {
  FrameRule rule{.kind = FrameRule::kEnd};
  if (state.back.where != Where::kAtCfa || state.back.offset != -8 || state.cfa_unknown) return rule;
  rule.cfa_offset = state.cfa_offset;
  if (state.cfa_in_memory) {
    if (state.rbp.where == Where::kAtRbp) rule.kind = FrameRule::kRealigned;
    return rule;
  }
  if (state.rbp.where == Where::kAtCfa) {
    rule.rbp_offset = state.rbp.offset;
  } else if (state.rbp.where != Where::kSame) {
    return rule;
  }
  if (state.cfa_register == kRspRegister) rule.kind = FrameRule::kRsp;
  if (state.cfa_register == kRbpRegister) rule.kind = FrameRule::kRbp;
  return rule;
}

// In the table of .eh_frame_hdr: the last function that begins at or below `code`. Null: there is none.
const std::uint8_t* FindFunction(const std::uint8_t* header, std::uint64_t code) {
  constexpr std::uint8_t kFourBytes = 0x03, kFormMask = 0x07, kSortedTable = 0x3B;
  if (header[0] != 1 || (header[1] & kFormMask) != kFourBytes || header[2] != kFourBytes || header[3] != kSortedTable) {
    return nullptr;
  }
  std::uint32_t count = 0;
  memcpy(&count, header + 8, sizeof(count));
  const std::uint8_t* const table = header + 12;
  const auto entry = [&](std::uint32_t i, int word) {
    std::int32_t offset = 0;
    memcpy(&offset, table + std::uint64_t{i} * 8 + word * 4, sizeof(offset));
    return header + offset;
  };
  std::uint32_t first = 0, end = count;
  while (first < end) {
    const std::uint32_t middle = first + (end - first) / 2;
    if (reinterpret_cast<std::uint64_t>(entry(middle, 0)) <= code) {
      first = middle + 1;
    } else {
      end = middle;
    }
  }
  return first == 0 ? nullptr : entry(first - 1, 1);
}

}  // namespace

FrameRule FindFrameRule(std::uintptr_t code) {
  dl_find_object object = {};
  if (_dl_find_object(reinterpret_cast<void*>(code), &object) != 0 || object.dlfo_eh_frame == nullptr) return {};
  const auto* const function = FindFunction(static_cast<const std::uint8_t*>(object.dlfo_eh_frame), code);
  if (function == nullptr) return {};
  Bytes bytes = Record(function);
  const std::uint8_t* const common_place = bytes.at;
  const auto common_distance = bytes.Get<std::int32_t>();
  if (!bytes.ok || common_distance == 0) return {};
  const Common common = ReadCommon(common_place - common_distance);
  if (!common.ok) return {};
  const std::uint64_t begin = Pointer(bytes, common.pointers);
  const std::uint64_t size = Pointer(bytes, common.pointers & 0x0F);
  if (common.sized) bytes.Block();
  if (!bytes.ok || code - begin >= size) return {};
  if (common.signal) return {.kind = FrameRule::kSignal};
  FrameProgram program(common, begin, code);
  return program.Run(bytes) ? RuleOf(program.state()) : FrameRule{.kind = FrameRule::kEnd};
}

}  // namespace alloclab::recorder
