#include "server/entities/run_filter.h"

#include <algorithm>

namespace alloclab::server {
namespace {

struct HasName {
  const std::string& name;
  bool operator()(const BuiltinChoice& builtin) const { return builtin.name == name; }
  bool operator()(const WorkloadSpec& spec) const { return spec.name == name; }
  bool operator()(const UploadedTrace& trace) const { return trace.sha256.starts_with(name); }
};

}  // namespace

bool RunFilter::Passes(const Run& run) const {
  const RunRequest& request = run.request;
  if (!workload.empty() && !std::visit(HasName{workload}, request.workload)) return false;
  if (!states.empty() && std::find(states.begin(), states.end(), run.state) == states.end()) return false;
  if (request.label.find(label) == std::string::npos) return false;
  return allocator.empty() || request.config.heap_allocator == allocator || request.config.page_allocator == allocator;
}

}  // namespace alloclab::server
