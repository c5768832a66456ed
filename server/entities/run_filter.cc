#include "server/entities/run_filter.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"
#include "allocators/catalog/guests.h"

namespace alloclab::server {
namespace {

// ASCII letters in either case are one.
bool Holds(absl::string_view text, absl::string_view part) {
  return absl::AsciiStrToLower(text).find(absl::AsciiStrToLower(part)) != std::string::npos;
}

struct HasName {
  const std::string& part;
  const std::string& label;
  bool operator()(const BuiltinChoice& builtin) const { return Holds(builtin.name, part); }
  bool operator()(const WorkloadSpec& spec) const { return Holds(spec.name, part); }
  bool operator()(const UploadedTrace& trace) const {
    return Holds(label, part) || trace.sha256.starts_with(absl::AsciiStrToLower(part));
  }
};

}  // namespace

bool RunFilter::Passes(const Run& run) const {
  const RunRequest& request = run.request;
  if (!workload.empty() && !std::visit(HasName{workload, request.label}, request.workload)) return false;
  if (!states.empty() && std::find(states.begin(), states.end(), run.state) == states.end()) return false;
  if (!Holds(request.label, label)) return false;
  if (!owner.empty() && request.owner != owner) return false;
  const auto is_it = [shown = ShownName(allocator)](const std::string& other) { return ShownName(other) == shown; };
  return allocator.empty() || is_it(request.config.heap_allocator) || is_it(request.config.page_allocator);
}

}  // namespace alloclab::server
