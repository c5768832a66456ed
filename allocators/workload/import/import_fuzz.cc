// Any bytes as a log of any format, the first byte says of which and how: an error or a trace, by a drain as without one.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "allocators/workload/import/format.h"
#include "allocators/workload/trace_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace alloclab;
  if (size == 0) return 0;
  const std::string bytes(data + 1, data + size);
  ImportOptions options;
  options.from = std::string(TraceFormats()[(data[0] & 15) % TraceFormats().size()].name);
  options.unknown_free = (data[0] & 16) != 0 ? ImportOptions::UnknownFree::kSynthesise : ImportOptions::UnknownFree::kDrop;
  options.balance = options.keep_failed = options.newest_first = (data[0] & 32) != 0;
  options.fuse_reallocs = (data[0] & 64) != 0;
  options.repair_inversions = (data[0] & 128) == 0;
  const OpenSource open = [&bytes]() -> absl::StatusOr<std::unique_ptr<ByteSource>> {
    return std::make_unique<MemorySource>(bytes);
  };
  const absl::StatusOr<Trace> whole = ImportTrace(open, "name", kFuzzLimits, options);
  CheckTrace(whole);
  std::vector<Operation> pieces;
  std::vector<std::uint32_t> site_pieces;
  const absl::StatusOr<Trace> drained =
      ImportTrace(open, "name", kFuzzLimits, options,
                  [&](std::span<const Operation> some, std::span<const std::uint32_t>, std::span<const std::uint32_t> sites) {
                    pieces.insert(pieces.end(), some.begin(), some.end());
                    site_pieces.insert(site_pieces.end(), sites.begin(), sites.end());
                    return absl::OkStatus();
                  });
  ALLOCLAB_CHECK_EQ(whole.ok(), drained.ok());
  if (!whole.ok()) return 0;
  ALLOCLAB_CHECK(whole->operations == pieces);
  ALLOCLAB_CHECK(whole->operation_sites == site_pieces && whole->sites == drained->sites);
  return 0;
}
