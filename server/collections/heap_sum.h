// Sums of heaps, for those without series of their own.
#ifndef ALLOCLAB_SERVER_COLLECTIONS_HEAP_SUM_H_
#define ALLOCLAB_SERVER_COLLECTIONS_HEAP_SUM_H_

#include "server/collections/heap_directory.h"

namespace alloclab::server {

// The sum that the reading belongs to; an empty one if it is the first.
HeapReading& SumFor(const HeapReading& reading, OtherHeaps& sums);

// What only ever grows: operations, costs, histograms, faults, violations.
void AddCounters(HeapReading& sum, const HeapReading& heap);
// What is there now: live and free bytes, sizes. Peaks add up too; the largest free block is the largest of all.
void AddGauges(HeapReading& sum, const HeapReading& heap);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_COLLECTIONS_HEAP_SUM_H_
