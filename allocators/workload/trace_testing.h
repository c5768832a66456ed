// Builds trace files for tests, and reads them.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_TRACE_TESTING_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_TRACE_TESTING_H_

#include <zlib.h>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "allocators/workload/operation.h"
#include "allocators/workload/trace.h"
#include "gtest/gtest.h"

namespace alloclab {

inline std::string Varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>(value | 0x80);
  return bytes + static_cast<char>(value);
}

// A length-delimited field of a protocol buffer.
inline std::string Field(std::uint32_t number, std::string_view content) {
  return Varint(number << 3 | 2) + Varint(content.size()) + std::string(content);
}

// A trace line of malloc-bench: operation (1 malloc, 2 free, 3 realloc, 4 calloc) and its numbered fields.
inline std::string Line(std::uint32_t op, std::initializer_list<std::pair<std::uint32_t, std::uint64_t>> fields) {
  std::string message;
  for (const auto& [number, value] : fields) message += Varint(number << 3) + Varint(value);
  return Field(1, Field(op, message));
}

inline std::string Gzip(std::string_view plain) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY);
  std::vector<unsigned char> in(plain.begin(), plain.end()), out(deflateBound(&stream, in.size()) + 64);
  stream.next_in = in.data();
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  std::string compressed(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(stream.total_out));
  deflateEnd(&stream);
  return compressed;
}

inline Operation Malloc(std::uint32_t block, std::uint32_t size) { return {OpKind::kMalloc, block, size, 0}; }
inline Operation Calloc(std::uint32_t block, std::uint32_t count, std::uint32_t size) {
  return {OpKind::kCalloc, block, size, count};
}
inline Operation Realloc(std::uint32_t block, std::uint32_t old, std::uint32_t size) {
  return {OpKind::kRealloc, block, size, old};
}
inline Operation Free(std::uint32_t block) { return {OpKind::kFree, block, 0, 0}; }

// The trace in these bytes, which must be one.
inline Trace Read(std::string_view bytes) {
  auto trace = ReadTrace(bytes, "t");
  EXPECT_TRUE(trace.ok()) << trace.status();
  return trace.ok() ? *std::move(trace) : Trace{};
}

// Why these bytes, as a file called "t", are none.
inline std::string Error(std::string_view bytes, const TraceLimits& limits = {}) {
  const auto trace = ReadTrace(bytes, "t", limits);
  return trace.ok() ? "no error" : std::string(trace.status().message());
}

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_TRACE_TESTING_H_
