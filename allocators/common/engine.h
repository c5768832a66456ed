// How an allocator finds its answer. Both engines give the same addresses, RAM and costs.
#ifndef ALLOCLAB_ALLOCATORS_COMMON_ENGINE_H_
#define ALLOCLAB_ALLOCATORS_COMMON_ENGINE_H_

namespace alloclab {

enum class Engine {
  kLiteral,  // walks the lists in RAM as the original does: readable, the reference
  kIndexed,  // asks a host-side index; logarithmic
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_COMMON_ENGINE_H_
