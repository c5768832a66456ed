// Any text as a configuration file: an error that says where, or options, which are the same after they were written and read.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "allocators/common/check.h"
#include "server/server/config_file.h"
#include "server/server/options.h"

namespace alloclab::server {
namespace {

absl::StatusOr<ServerOptions> Read(const std::string& text) {
  const absl::StatusOr<OptionValues> values = ParseConfig(text, "name");
  if (!values.ok()) return values.status();
  return MakeOptions(std::vector<OptionValues>{*values});
}

}  // namespace
}  // namespace alloclab::server

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using alloclab::server::DumpConfig;
  const absl::StatusOr<alloclab::server::ServerOptions> options = alloclab::server::Read(std::string(data, data + size));
  if (!options.ok()) {
    ALLOCLAB_CHECK(absl::StartsWith(options.status().message(), "name:"));
    return 0;
  }
  const absl::StatusOr<alloclab::server::ServerOptions> again = alloclab::server::Read(DumpConfig(*options));
  ALLOCLAB_CHECK(again.ok());
  ALLOCLAB_CHECK_EQ(DumpConfig(*again), DumpConfig(*options));
  return 0;
}
