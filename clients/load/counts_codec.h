// Counts of a load as messages between generators, exact in both directions.
#ifndef ALLOCLAB_CLIENTS_LOAD_COUNTS_CODEC_H_
#define ALLOCLAB_CLIENTS_LOAD_COUNTS_CODEC_H_

#include "absl/status/statusor.h"
#include "alloclab/v1/generators.pb.h"
#include "clients/load/meter.h"

namespace alloclab::load {

// No count of a message may be larger, nor may those of a table or a histogram together: those of 64 generators can be added.
inline constexpr std::uint64_t kCountMax = std::uint64_t{1} << 57;

// All but batch_operations, which no report has.
v1::LoadCounts CountsToProto(const LoadCounts& counts);
// INVALID_ARGUMENT naming the field: a table of another size, a count over the bound, a histogram that contradicts itself.
absl::StatusOr<LoadCounts> CountsFromProto(const v1::LoadCounts& message);
// Whether `counts` can be a later state of `earlier`, from which it may be subtracted.
bool IsLater(const LoadCounts& counts, const LoadCounts& earlier);

}  // namespace alloclab::load

#endif  // ALLOCLAB_CLIENTS_LOAD_COUNTS_CODEC_H_
