// Any bytes as a whole request, and as the target of one: refused, or taken apart into parts that no file system or parser
// could mistake.
#include <cstddef>
#include <cstdint>
#include <string>

#include "allocators/common/check.h"
#include "server/http/http_head.h"
#include "server/http/http_request.h"

namespace {

void CheckHead(const std::string& bytes) {
  const absl::StatusOr<alloclab::server::HttpHead> head = alloclab::server::ParseHead(bytes);
  if (!head.ok()) {
    ALLOCLAB_CHECK(!head.status().message().empty());
    return;
  }
  ALLOCLAB_CHECK(!head->method.empty());
  ALLOCLAB_CHECK_LE(head->path.size() + head->query.size(), alloclab::server::kHttpHeadBytesMax);
  for (const auto& [name, value] : head->headers) {
    ALLOCLAB_CHECK(!name.empty());
    ALLOCLAB_CHECK_EQ(value.find('\n'), value.npos);
    ALLOCLAB_CHECK_GE(head->Count(name), std::size_t{1});
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string target(data, data + size);
  CheckHead(target);
  const std::size_t question = target.find('?');
  const std::string path = target.substr(0, question), query = question == target.npos ? "" : target.substr(question + 1);
  const absl::StatusOr<alloclab::server::HttpRequest> request = alloclab::server::ParseTarget(path, query);
  if (!request.ok()) {
    ALLOCLAB_CHECK(!request.status().message().empty());
    return 0;
  }
  ALLOCLAB_CHECK_LE(target.size(), alloclab::server::kTargetBytesMax + 1);
  for (const std::string& part : request->path) {
    ALLOCLAB_CHECK(!part.empty() && part != "." && part != "..");
    ALLOCLAB_CHECK_EQ(part.find('/'), part.npos);
    ALLOCLAB_CHECK_EQ(part.find('\0'), part.npos);
  }
  for (const auto& [name, value] : request->query) {
    const absl::StatusOr<std::uint64_t> number = request->Number(name, 0, 10, 1000);
    if (number.ok()) ALLOCLAB_CHECK(*number >= 10 && *number <= 1000);
    ALLOCLAB_CHECK_EQ(request->Text(name), value);
  }
  return 0;
}
