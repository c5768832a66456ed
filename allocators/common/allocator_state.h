// What an allocator keeps outside simulated RAM, at one moment. With RAM as it was then, it is all that is needed to go on from
// there exactly.
#ifndef ALLOCLAB_ALLOCATORS_COMMON_ALLOCATOR_STATE_H_
#define ALLOCLAB_ALLOCATORS_COMMON_ALLOCATOR_STATE_H_

#include <memory>

namespace alloclab {

// Only the class that made it knows what is in it.
class AllocatorState {
 public:
  virtual ~AllocatorState() = default;
};

// The usual one: a copy of a struct that holds all variables.
template <class T>
struct StateOf final : AllocatorState {
  explicit StateOf(const T& from) : value(from) {}
  const T value;
};
template <class T>
std::unique_ptr<const AllocatorState> SaveState(const T& value) {
  return std::make_unique<const StateOf<T>>(value);
}
// `saved` was made by SaveState<T>.
template <class T>
void RestoreState(const AllocatorState& saved, T& value) {
  value = static_cast<const StateOf<T>&>(saved).value;
}

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_COMMON_ALLOCATOR_STATE_H_
