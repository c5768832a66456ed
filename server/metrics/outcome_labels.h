// Operations and outcomes as label values, and the buckets that histograms show.
#ifndef ALLOCLAB_SERVER_METRICS_OUTCOME_LABELS_H_
#define ALLOCLAB_SERVER_METRICS_OUTCOME_LABELS_H_

#include <array>
#include <span>

#include "allocators/common/outcome.h"
#include "allocators/workload/operation.h"
#include "server/collections/heap_directory.h"
#include "server/http/metric_family.h"

namespace alloclab::server {

inline constexpr std::array<OpKind, 4> kHeapKinds{OpKind::kMalloc, OpKind::kCalloc, OpKind::kRealloc, OpKind::kFree};
inline constexpr std::array<OpKind, 3> kPageKinds{OpKind::kAllocatePages, OpKind::kFreePages, OpKind::kFreePagesPart};

// Failures that are shown from the beginning; the others (of unguarded machines) once they have happened.
inline constexpr std::array kHeapFailures{Outcome::kOutOfMemory,    Outcome::kHeapLimit,         Outcome::kFragmented,
                                          Outcome::kSizeOverflow,   Outcome::kDoubleFree,        Outcome::kInteriorPointer,
                                          Outcome::kForeignPointer, Outcome::kMisalignedPointer, Outcome::kUnsupported};
inline constexpr std::array kPageFailures{Outcome::kOutOfMemory,       Outcome::kFragmented,   Outcome::kDoubleFree,
                                          Outcome::kMisalignedPointer, Outcome::kZeroLength,   Outcome::kNegativeLength,
                                          Outcome::kUnalignedLength,   Outcome::kOutsideArena, Outcome::kOverlapsFree,
                                          Outcome::kFrameInUse,        Outcome::kUnsupported,  Outcome::kPartialFree};

// Of Pow2Histogram.
struct BucketRange {
  int first, last;
};
inline constexpr BucketRange kSearchBuckets{1, 17};  // 1 to 65,536
inline constexpr BucketRange kSizeBuckets{5, 25};    // 16 bytes to 16 MiB
inline constexpr BucketRange kCycleBuckets{5, 21};   // 16 to 1,048,576

// By operation and result ("ok", "failed"); all names are those of operation.h and outcome.h.
void AddOperations(Family& family, const MetricLabels& labels, const HeapReading& machine, std::span<const OpKind> kinds);
// By outcome.
void AddFailures(Family& family, const MetricLabels& labels, const HeapReading& machine, std::span<const OpKind> kinds,
                 std::span<const Outcome> always);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_METRICS_OUTCOME_LABELS_H_
