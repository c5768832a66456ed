// All calls of the protocol, for tests of every one of them.
#ifndef ALLOCLAB_PROTO_CONVERTERS_METHODS_TESTING_H_
#define ALLOCLAB_PROTO_CONVERTERS_METHODS_TESTING_H_

#include <google/protobuf/descriptor.h>

#include <string>
#include <vector>

#include "alloclab/v1/guest.pb.h"
#include "alloclab/v1/heap.pb.h"
#include "alloclab/v1/inspect.pb.h"
#include "alloclab/v1/lab.pb.h"
#include "alloclab/v1/run.pb.h"
#include "alloclab/v1/time_travel.pb.h"
#include "alloclab/v1/workload.pb.h"

namespace alloclab {

inline std::vector<const google::protobuf::MethodDescriptor*> AllMethods() {
  std::vector<const google::protobuf::MethodDescriptor*> methods;
  for (const auto* file : {v1::MallocRequest::descriptor()->file(), v1::GetStatisticsRequest::descriptor()->file(),
                           v1::GetServerRequest::descriptor()->file(), v1::GetRunRequest::descriptor()->file(),
                           v1::ListBuiltinsRequest::descriptor()->file(), v1::OpenRunRequest::descriptor()->file(),
                           v1::Guest::descriptor()->file()}) {
    for (int s = 0; s < file->service_count(); ++s) {
      for (int i = 0; i < file->service(s)->method_count(); ++i) methods.push_back(file->service(s)->method(i));
    }
  }
  return methods;
}

// "/alloclab.v1.Heap/Malloc".
inline std::string PathOf(const google::protobuf::MethodDescriptor& method) {
  return "/" + method.service()->full_name() + "/" + method.name();
}

}  // namespace alloclab

#endif  // ALLOCLAB_PROTO_CONVERTERS_METHODS_TESTING_H_
