// What a trace has in it, for people and for programs.
#ifndef ALLOCLAB_CLIENTS_CLI_TRACE_VIEW_H_
#define ALLOCLAB_CLIENTS_CLI_TRACE_VIEW_H_

#include <google/protobuf/struct.pb.h>

#include <cstdint>
#include <string>
#include <vector>

#include "allocators/workload/call_sites.h"
#include "allocators/workload/trace_summary.h"
#include "clients/common/document.h"

namespace alloclab::client {

struct NamedSummary {
  std::string name, format;
  std::vector<std::string> notes;
  TraceSummary summary;
  SiteTable sites = {};  // what the summary's call sites are
};

// With at most so many call sites.
Document SummaryDocument(const NamedSummary& trace, int width, std::size_t sites_max);
google::protobuf::Struct SummaryStruct(const NamedSummary& trace);

// One thing that a machine or an allocator will not like.
struct Finding {
  std::string what;         // "double free"
  std::uint64_t count = 0;  // how often
  std::uint64_t first = 0;  // operation, from 1; 0: of the trace as a whole
  std::string consequence;  // "a guarded heap answers double_free and changes nothing"
};
// On a machine of that much RAM, 0: of any.
std::vector<Finding> LintTrace(const TraceSummary& summary, std::uint64_t ram_bytes);
// RAM that has room for what is live at the peak, half as much again for what an allocator adds, and the machine's own pages.
std::uint64_t SuggestedRam(const TraceSummary& summary);

Document LintDocument(const NamedSummary& trace, const std::vector<Finding>& findings, std::uint64_t ram_bytes);
google::protobuf::Struct LintStruct(const NamedSummary& trace, const std::vector<Finding>& findings, std::uint64_t ram_bytes);

// The figures of two traces beside each other.
Document DiffDocument(const NamedSummary& a, const NamedSummary& b, const std::string& first_difference);

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_CLI_TRACE_VIEW_H_
