#ifndef ALLOCLAB_SERVER_CONVERTERS_TIME_CONVERTER_H_
#define ALLOCLAB_SERVER_CONVERTERS_TIME_CONVERTER_H_

#include <google/protobuf/timestamp.pb.h>

#include "absl/time/time.h"

namespace alloclab::server {

google::protobuf::Timestamp ToProto(absl::Time time);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_CONVERTERS_TIME_CONVERTER_H_
