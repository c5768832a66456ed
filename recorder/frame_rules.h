// What .eh_frame says of one instruction: how its function's caller had its registers. For unwinder.h, which keeps the answers.
#ifndef ALLOCLAB_RECORDER_FRAME_RULES_H_
#define ALLOCLAB_RECORDER_FRAME_RULES_H_

#include <cstdint>

namespace alloclab::recorder {

// CFA is where the caller's stack pointer is after the return; the return address lies in the 8 bytes below.
struct FrameRule {
  enum Kind : std::uint32_t {
    kUnknown,    // nobody says anything of that instruction
    kEnd,        // the first function of a thread, or a rule that is not understood
    kRsp,        // CFA = rsp + cfa_offset
    kRbp,        // CFA = rbp + cfa_offset
    kRealigned,  // CFA is the word at rbp + cfa_offset, and the caller's rbp that at rbp
    kSignal,     // the kernel's frame for a signal handler: all registers are in the context at rsp
  };
  Kind kind = kUnknown;
  std::int64_t cfa_offset = 0;
  std::int64_t rbp_offset = 0;  // the caller's rbp is at CFA plus this; 0: it is in rbp still
};

// Of the instruction that holds that address. Any thread, any signal handler.
FrameRule FindFrameRule(std::uintptr_t code);

}  // namespace alloclab::recorder

#endif  // ALLOCLAB_RECORDER_FRAME_RULES_H_
