// traces list|delete
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "alloclab/v1/workload.grpc.pb.h"
#include "clients/cli/commands.h"
#include "clients/common/units.h"

namespace alloclab::client {
namespace {

constexpr std::uint32_t kPageMax = 500;
constexpr std::size_t kDigestLength = 64;
constexpr std::size_t kPrefixMin = 4;  // digits of a digest that name a trace

absl::StatusOr<v1::ListTracesResponse> AllTraces(const Connection& connection) {
  v1::ListTracesRequest request;
  request.set_page_size(kPageMax);
  v1::ListTracesResponse all;
  do {
    absl::StatusOr<v1::ListTracesResponse> page = connection.Call(&v1::Workloads::Stub::ListTraces, request);
    if (!page.ok()) return page;
    request.set_page_token(page->next_page_token());
    page->clear_next_page_token();
    all.MergeFrom(*page);
  } while (!request.page_token().empty());
  return all;
}

CommandResult List(Session& session) {
  const absl::StatusOr<v1::ListTracesResponse> list = AllTraces(session.connection());
  if (!list.ok()) return list.status();
  Section table;
  table.columns = {{"name"}, {"sha256"}, {"format"}, {"operations", true}, {"size", true, "bytes"}, {"uploaded"}};
  const bool owned = std::any_of(list->traces().begin(), list->traces().end(),
                                 [](const v1::TraceInfo& trace) { return !trace.owner().empty(); });
  if (owned) table.columns.push_back({"owner"});
  std::string digests;
  for (const v1::TraceInfo& trace : list->traces()) {
    table.rows.push_back({TextCell(trace.name(), Tone::kBold), TextCell(trace.sha256()), TextCell(trace.format()),
                          CountCell(trace.operations()), BytesCell(trace.bytes()), TimeCell(trace.upload_time())});
    if (owned) table.rows.back().push_back(TextCell(trace.owner()));
    digests += trace.sha256() + "\n";
  }
  Document document;
  if (list->traces().empty()) {
    document.footer.push_back("No traces. Upload one: alloclab submit FILE");
  } else {
    document.sections.push_back(std::move(table));
    document.footer.push_back(
        fmt::format("{} of at most {} are in use.", Bytes(list->stored_bytes()), Bytes(list->stored_bytes_max())));
  }
  for (const std::string& damaged : list->damaged()) {
    session.Note(fmt::format("{} is damaged on the server's disk and not shown; see alloclabd store --help", damaged));
  }
  return Done(session.Show(*list, document, digests));
}

// The whole digest of the trace that the digits stand for.
absl::StatusOr<std::string> FindDigest(const Connection& connection, const std::string& digits) {
  if (digits.size() == kDigestLength) return digits;
  const absl::StatusOr<v1::ListTracesResponse> list = AllTraces(connection);
  if (!list.ok()) return list.status();
  std::vector<std::string> found;
  for (const v1::TraceInfo& trace : list->traces()) {
    if (trace.sha256().starts_with(digits)) found.push_back(trace.sha256());
  }
  if (found.size() == 1) return found.front();
  return absl::NotFoundError(
      fmt::format("{} stored traces have a sha256 that begins with \"{}\"; `alloclab traces list` shows them",
                  found.empty() ? "no" : std::to_string(found.size()), digits));
}

CommandResult Delete(Session& session, const std::vector<std::string>& traces) {
  for (const std::string& digits : traces) {
    const absl::StatusOr<std::string> digest = FindDigest(session.connection(), digits);
    if (!digest.ok()) return digest.status();
    v1::DeleteTraceRequest request;
    request.set_sha256(*digest);
    const absl::StatusOr<v1::DeleteTraceResponse> deleted =
        session.connection().Call(&v1::Workloads::Stub::DeleteTrace, request);
    if (!deleted.ok()) return deleted.status();
    session.Note(fmt::format("deleted trace {}", *digest));
  }
  return ExitCode::kOk;
}

// Some first digits of a digest, at least kPrefixMin of them.
std::string CheckDigits(const std::string& text) {
  const bool digits = text.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (digits && text.size() >= kPrefixMin && text.size() <= kDigestLength) return "";
  return fmt::format("'{}' is not the sha256 of a trace, nor its first {} digits or more; `alloclab traces list` shows them",
                     text, kPrefixMin);
}

}  // namespace

void RegisterTraces(CLI::App& app, Command& chosen) {
  CLI::App* group = AddGroup(app, "traces", "Recorded traces that the server keeps", "alloclab traces list");
  AddCommand(*group, "list", "All of them, newest first", "alloclab traces list", chosen, List);
  const auto traces = std::make_shared<std::vector<std::string>>();
  CLI::App* remove = AddCommand(
      *group, "delete", "Delete traces; runs that have ended keep their results, one that is queued or running is in the way",
      "alloclab traces delete 5c1f", chosen, [traces](Session& session) { return Delete(session, *traces); });
  remove->add_option("TRACE", *traces, "The sha256, or its first digits")->type_name("SHA256")->check(CheckDigits)->required();
}

}  // namespace alloclab::client
