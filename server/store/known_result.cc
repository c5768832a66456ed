#include "server/store/known_result.h"

#include <utility>

#include "allocators/common/sha256.h"
#include "proto/converters/deterministic.h"
#include "server/converters/run_converter.h"
#include "server/entities/native_allocator.h"
#include "server/version.h"

namespace alloclab::server {
namespace {

std::string DigestOf(const v1::RunResult& result) {
  v1::Exact exact = result.exact();
  exact.clear_trace_format();  // of the file: the same operations may stand in another one
  exact.clear_trace_notes();
  Sha256 digest;
  digest.Update(SerializeDeterministic(exact));
  return digest.HexDigest();
}

}  // namespace

std::optional<std::string> KeyOf(const RunRequest& request) {
  if (IsNative(request.config)) return std::nullopt;
  v1::SubmitRunRequest asked = ToProto(request);
  asked.clear_label();
  asked.clear_owner();
  asked.clear_share_result();
  Sha256 digest;
  digest.Update(Engine());
  digest.Update(SerializeDeterministic(asked));
  return digest.HexDigest();
}

std::optional<KnownResult> KnownResultOf(const Run& run) {
  if (run.state != RunState::kSucceeded || run.result == nullptr || run.result->measured().of_run() != 0) return std::nullopt;
  std::optional<std::string> key = KeyOf(run.request);
  if (!key) return std::nullopt;
  return KnownResult{*std::move(key), run.id, DigestOf(*run.result)};
}

}  // namespace alloclab::server
