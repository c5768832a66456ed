// Operations and outcomes as label values, and the buckets that histograms show.
#ifndef ALLOCLAB_SERVER_METRICS_OUTCOME_LABELS_H_
#define ALLOCLAB_SERVER_METRICS_OUTCOME_LABELS_H_

#include <array>
#include <span>
#include <string_view>

#include "allocators/common/outcome.h"
#include "allocators/workload/operation.h"
#include "server/collections/heap_directory.h"
#include "server/metrics/family.h"

namespace alloclab::server {

inline constexpr std::array<OpKind, 4> kHeapKinds{OpKind::kMalloc, OpKind::kCalloc, OpKind::kRealloc, OpKind::kFree};
inline constexpr std::array<OpKind, 3> kPageKinds{OpKind::kAllocatePages, OpKind::kFreePages, OpKind::kFreePagesPart};

std::string_view OpLabel(OpKind kind);            // "alloc", "free_part"
std::string_view FailureReason(Outcome outcome);  // "out_of_memory"; empty when it succeeded

// Every reason there is: all are shown from the beginning.
inline constexpr std::array<std::string_view, 8> kFailureReasons{
    "out_of_memory", "fragmentation", "limit", "invalid_free", "double_free", "bad_size", "unsupported", "crash"};

// Of Pow2Histogram.
struct BucketRange {
  int first, last;
};
inline constexpr BucketRange kSearchBuckets{1, 17};  // 1 to 65,536
inline constexpr BucketRange kSizeBuckets{5, 25};    // 16 bytes to 16 MiB
inline constexpr BucketRange kCycleBuckets{5, 21};   // 16 to 1,048,576

// By op and result, by reason.
void AddOperations(Family& family, const MetricLabels& labels, const HeapReading& heap, std::span<const OpKind> kinds);
void AddFailures(Family& family, const MetricLabels& labels, const HeapReading& heap, std::span<const OpKind> kinds);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_METRICS_OUTCOME_LABELS_H_
