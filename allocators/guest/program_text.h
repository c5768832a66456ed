// Text that a user's program has made or brought along, such as what it prints and the names in it, for people and protocols:
// valid UTF-8 without control characters, whatever it was; other bytes as "\x1b".
#ifndef ALLOCLAB_ALLOCATORS_GUEST_PROGRAM_TEXT_H_
#define ALLOCLAB_ALLOCATORS_GUEST_PROGRAM_TEXT_H_

#include <string>
#include <string_view>

namespace alloclab {

std::string ProgramText(std::string_view text);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_GUEST_PROGRAM_TEXT_H_
