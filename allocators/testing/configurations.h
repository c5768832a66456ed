// Every way in which the catalogue's allocators can be made, for tests that hold for all of them.
#ifndef ALLOCLAB_ALLOCATORS_TESTING_CONFIGURATIONS_H_
#define ALLOCLAB_ALLOCATORS_TESTING_CONFIGURATIONS_H_

#include <memory>
#include <string>
#include <vector>

#include "allocators/catalog/catalog.h"
#include "allocators/catalog/instance.h"
#include "allocators/testing/instructions.h"

namespace alloclab {

struct Configuration {
  std::string name;  // letters, digits and underscores
  const PageAllocatorInfo* pages;
  const HeapAllocatorInfo* heap;  // perhaps "none"
  bool guarded = true;
  ParameterValues parameters;  // with words for values; others have their defaults

  bool has_heap() const { return heap->make != nullptr; }
  // The mix, with requests of no more than the heap can give.
  Mix Fitting(Mix mix) const;
  // A machine for these instructions.
  std::unique_ptr<Instance> MakeInstance(const Mix& mix) const;
};

// Every heap allocator on the default page allocator, and every page allocator with no heap and under the default heap;
// guarded and not; with every combination of those of their parameters that are words, up to a number of them.
const std::vector<Configuration>& Configurations();

// Those of one allocator pair and mode that differ in their engines only. Groups of one are left out.
std::vector<std::vector<Configuration>> ConfigurationsThatDifferInEngines();
// The same allocators with the same parameters, guarded.
Configuration GuardedTwin(Configuration unguarded);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_TESTING_CONFIGURATIONS_H_
