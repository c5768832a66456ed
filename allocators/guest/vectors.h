// Sequences of instructions with what a real processor left, as lines of text.
#ifndef ALLOCLAB_ALLOCATORS_GUEST_VECTORS_H_
#define ALLOCLAB_ALLOCATORS_GUEST_VECTORS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "allocators/guest/guest_testing.h"

namespace alloclab {

struct Vector {
  Scene before;
  std::string code;
  std::uint32_t undefined = 0;  // flags
  Scene after;
};

std::string Hex(std::string_view bytes);

// Fields in hexadecimal: code, undefined flags, registers and flags before, seed of the window, registers and flags after, 1 if
// it ended by a divide error, and the bytes of the window that changed, each as PLACE:BYTE.
std::string ToLine(const Vector& vector);
Vector FromLine(const std::string& line);

// Runs sequences as a whole, in a machine of its own.
class VectorMachine {
 public:
  Scene Run(const Scene& before, std::string_view code);

 private:
  GuestMachine machine_;
  std::uint32_t at_ = 0;
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_GUEST_VECTORS_H_
