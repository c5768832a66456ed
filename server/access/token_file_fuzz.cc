// Any text as a file of tokens: an error that says where, or tokens, which are the same after they were written and read.
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/match.h"
#include "allocators/common/check.h"
#include "server/access/token_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using alloclab::server::FormatTokens;
  using alloclab::server::ParseTokens;
  const auto tokens = ParseTokens(std::string(data, data + size), "name");
  if (!tokens.ok()) {
    ALLOCLAB_CHECK(absl::StartsWith(tokens.status().message(), "name:"));
    return 0;
  }
  ALLOCLAB_CHECK(tokens->size() <= alloclab::server::kTokensMax);
  const auto again = ParseTokens(FormatTokens(*tokens), "name");
  ALLOCLAB_CHECK(again.ok());
  ALLOCLAB_CHECK_EQ(FormatTokens(*again), FormatTokens(*tokens));
  return 0;
}
