// Any bytes as an .alloctrace: as a file, and as the content of a frame whose checksums are right, so that the decoder of
// operations sees them too. What can be read can be written, and reads the same again.
#include <zstd.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "allocators/workload/alloctrace.h"
#include "allocators/workload/alloctrace_codec.h"
#include "allocators/workload/alloctrace_writer.h"
#include "allocators/workload/trace_fuzz.h"

namespace alloclab {
namespace {

void ReadAny(std::string_view file) {
  const auto trace = ReadTrace(file, "name", kFuzzLimits);
  CheckTrace(trace);
  static_cast<void>(ReadAllocTraceEnd(file, "name"));
  if (!trace.ok() || trace->format != "alloctrace") return;
  const auto written = WriteAllocTrace(*trace, {}, 1);
  ALLOCLAB_CHECK(written.ok());
  const auto again = ReadTrace(*written, "name", kFuzzLimits);
  ALLOCLAB_CHECK(again->operations == trace->operations && again->operation_sites == trace->operation_sites);
}

std::string Framed(std::string_view kind, std::string_view content) {
  std::string file(kAllocTraceMagic), payload(content);
  alloctrace::AppendChunk(alloctrace::kHead, std::string_view("\0", 1), file);
  if (kind != alloctrace::kDone) {
    std::string compressed(ZSTD_compressBound(content.size()), '\0');
    compressed.resize(ZSTD_compress(compressed.data(), compressed.size(), content.data(), content.size(), 1));
    payload = compressed;
  }
  alloctrace::AppendChunk(kind, payload, file);
  return file;
}

// A table that can be read can be written, and reads the same again.
void ParseAnySites(std::string_view bytes) {
  SiteTable table, again;
  if (!alloctrace::ParseSites(bytes, table)) return;
  for (const std::string& piece : alloctrace::EncodeSites(table)) ALLOCLAB_CHECK(alloctrace::ParseSites(piece, again));
  ALLOCLAB_CHECK(again == table);
}

}  // namespace
}  // namespace alloclab

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(data, data + size);
  alloclab::ReadAny(bytes);
  alloclab::ReadAny(std::string(alloclab::kAllocTraceMagic) + bytes);
  using alloclab::alloctrace::kDone, alloclab::alloctrace::kOperations, alloclab::alloctrace::kSites;
  for (const std::string_view kind : {kOperations, kSites, kDone}) {
    std::string file = alloclab::Framed(kind, bytes);
    alloclab::ReadAny(file);
    file[alloclab::kAllocTraceVersionAt] = alloclab::kAllocTraceSitesVersion;
    alloclab::ReadAny(file);
  }
  alloclab::ParseAnySites(bytes);
  return 0;
}
