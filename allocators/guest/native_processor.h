// The host's own processor as the judge of the simulated one, where it is one that can: runs a sequence of instructions in
// 64-bit mode, on registers and memory below 4 GiB.
#ifndef ALLOCLAB_ALLOCATORS_GUEST_NATIVE_PROCESSOR_H_
#define ALLOCLAB_ALLOCATORS_GUEST_NATIVE_PROCESSOR_H_

#include <memory>
#include <string>
#include <string_view>

#include "allocators/guest/guest_testing.h"

namespace alloclab {

class NativeProcessor {
 public:
  // Null where there is none, with the reason. While it lives it handles the signals of faults, so there may be one in a
  // process.
  static std::unique_ptr<NativeProcessor> Create(std::string& why_not);
  ~NativeProcessor();
  NativeProcessor(const NativeProcessor&) = delete;
  NativeProcessor& operator=(const NativeProcessor&) = delete;

  // What the code leaves. Any fault but a divide error is a failed check.
  Scene Run(const Scene& before, std::string_view native_code);

 private:
  NativeProcessor() = default;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_GUEST_NATIVE_PROCESSOR_H_
