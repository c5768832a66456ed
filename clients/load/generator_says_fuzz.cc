// Any bytes as what a generator says: counts are refused, or are sent again as they came and add up.
#include <google/protobuf/util/message_differencer.h>

#include <cstddef>
#include <cstdint>

#include "allocators/common/check.h"
#include "alloclab/v1/generators.pb.h"
#include "clients/load/counts_codec.h"

namespace alloclab::load {
namespace {

void CheckCountsOf(const v1::LoadCounts& message) {
  const absl::StatusOr<LoadCounts> counts = CountsFromProto(message);
  if (!counts.ok()) {
    ALLOCLAB_CHECK(absl::IsInvalidArgument(counts.status()));
    return;
  }
  const v1::LoadCounts again = CountsToProto(*counts);
  const absl::StatusOr<LoadCounts> read = CountsFromProto(again);
  ALLOCLAB_CHECK(read.ok());
  ALLOCLAB_CHECK(google::protobuf::util::MessageDifferencer::Equals(again, CountsToProto(*read)));
  LoadCounts sum = *counts;
  sum += *read;
  ALLOCLAB_CHECK_EQ(sum.Answered(), 2 * counts->Answered());
  ALLOCLAB_CHECK_EQ(sum.response.buckets().count(), 2 * counts->response.buckets().count());
  ALLOCLAB_CHECK(IsLater(sum, *counts));
  sum -= *counts;
  ALLOCLAB_CHECK(sum.response.buckets().counts() == counts->response.buckets().counts());
}

}  // namespace
}  // namespace alloclab::load

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  alloclab::v1::GeneratorSays says;
  if (!says.ParseFromArray(data, static_cast<int>(size))) return 0;
  if (says.has_state()) alloclab::load::CheckCountsOf(says.state().counts());
  if (says.has_part()) alloclab::load::CheckCountsOf(says.part().measured());
  return 0;
}
