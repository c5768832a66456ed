// Which runs a list shows.
#ifndef ALLOCLAB_SERVER_ENTITIES_RUN_FILTER_H_
#define ALLOCLAB_SERVER_ENTITIES_RUN_FILTER_H_

#include <string>
#include <vector>

#include "server/entities/run.h"

namespace alloclab::server {

// A run passes if it fits every part that is not empty. Upper and lower case of texts are one.
struct RunFilter {
  // A part of the name of a built-in, of a specification, or of the label of a recorded trace; or the first digits of its
  // digest.
  std::string workload;
  std::vector<RunState> states;
  std::string label;       // a part of the label
  std::string allocator;   // of the heap or of the pages
  std::string owner = {};  // the whole name

  bool Passes(const Run& run) const;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_ENTITIES_RUN_FILTER_H_
