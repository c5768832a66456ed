// In what the results of two runs differ.
#ifndef ALLOCLAB_SERVER_CONVERTERS_RUN_COMPARISON_H_
#define ALLOCLAB_SERVER_CONVERTERS_RUN_COMPARISON_H_

#include <vector>

#include "alloclab/v1/run.pb.h"

namespace alloclab::server {

// Every field in which the exact parts differ, by path. The first kDifferencesMax of them.
std::vector<v1::FieldDifference> CompareExact(const v1::Exact& a, const v1::Exact& b);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_CONVERTERS_RUN_COMPARISON_H_
