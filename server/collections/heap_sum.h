// Sums of heaps, for those without series of their own.
#ifndef ALLOCLAB_SERVER_COLLECTIONS_HEAP_SUM_H_
#define ALLOCLAB_SERVER_COLLECTIONS_HEAP_SUM_H_

#include <string>

#include "server/collections/heap_directory.h"

namespace alloclab::server {

// An empty sum: heap="other".
HeapReading OtherHeaps(const std::string& allocator);

// What only ever grows: operations, costs, histograms, faults, violations.
void AddCounters(HeapReading& sum, const HeapReading& heap);
// What is there now: live and free bytes, sizes. Peaks add up too; the largest free block is the largest of all.
void AddGauges(HeapReading& sum, const HeapReading& heap);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_COLLECTIONS_HEAP_SUM_H_
