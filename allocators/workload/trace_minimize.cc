#include "allocators/workload/trace_minimize.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "allocators/workload/trace_transform.h"

namespace alloclab {
namespace {

class Minimizer {
 public:
  Minimizer(const Trace& trace, const TraceCondition& shows, const MinimizeOptions& options)
      : shows_(shows), options_(options), best_(trace) {
    best_.touches.clear();  // they go by the number of an operation
  }

  absl::StatusOr<Minimized> Run() {
    const bool shown = Shows(best_);
    if (status_.ok() && !shown) status_ = absl::FailedPreconditionError("the trace does not show that; nothing to minimise");
    if (status_.ok()) CutEnd();
    if (status_.ok()) LeaveOff(LivesOf(best_));
    if (status_.ok()) {
      std::vector<std::uint32_t> each(best_.operations.size());
      std::iota(each.begin(), each.end(), 0);
      LeaveOff(each);
    }
    if (!status_.ok()) return status_;
    NumberByFirstUse(best_);
    return Minimized{std::move(best_), tests_, !stopped_};
  }

 private:
  // Whether the condition holds; false once it is over.
  bool Shows(const Trace& trace) {
    if (!status_.ok() || stopped_) return false;
    if (tests_ >= options_.tests_max || Interrupted(options_.interrupt)) {
      stopped_ = true;
      return false;
    }
    ++tests_;
    const absl::StatusOr<bool> shown = shows_(trace);
    if (!shown.ok()) status_ = shown.status();
    if (options_.progress) options_.progress(tests_, best_.operations.size());
    return shown.ok() && *shown;
  }

  // The shortest beginning that shows it, if longer ones then do too.
  void CutEnd() {
    std::size_t without = 0, with = best_.operations.size();
    while (with - without > 1) {
      const std::size_t middle = without + (with - without) / 2;
      Trace start = Empty();
      start.operations.assign(best_.operations.begin(), best_.operations.begin() + static_cast<std::ptrdiff_t>(middle));
      (Shows(start) ? with : without) = middle;
      if (stopped_ || !status_.ok()) break;
    }
    best_.operations.resize(with);
    if (TellsSites()) best_.operation_sites.resize(with);
  }

  bool TellsSites() const { return !best_.operation_sites.empty(); }

  Trace Empty() const {
    return {.operations = {},
            .heap_handles = best_.heap_handles,
            .page_handles = best_.page_handles,
            .format = best_.format,
            .notes = {}};
  }

  // `parts` has the part of each operation. Leaves off chunks of parts, half as large each time that none can be left off.
  void LeaveOff(std::vector<std::uint32_t> parts) {
    std::vector<std::uint32_t> kept(parts.begin(), parts.end());
    std::sort(kept.begin(), kept.end());
    kept.erase(std::unique(kept.begin(), kept.end()), kept.end());
    for (std::size_t chunk = std::max<std::size_t>(1, kept.size() / 2); !kept.empty();) {
      bool any = false;
      for (std::size_t at = 0; at < kept.size() && !stopped_ && status_.ok();) {
        const std::size_t end = std::min(at + chunk, kept.size());
        if (Without(parts, kept[at], kept[end - 1])) {
          kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(at), kept.begin() + static_cast<std::ptrdiff_t>(end));
          any = true;
        } else {
          at = end;
        }
      }
      if (stopped_ || !status_.ok() || (chunk == 1 && !any)) return;
      chunk = std::max<std::size_t>(1, any && chunk == 1 ? 1 : chunk / 2);
    }
  }

  // Whether it shows without the parts from `first` to `last`; then these are gone.
  bool Without(std::vector<std::uint32_t>& parts, std::uint32_t first, std::uint32_t last) {
    Trace rest = Empty();
    std::vector<std::uint32_t> rest_parts, rest_sites;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (parts[i] >= first && parts[i] <= last) continue;
      rest.operations.push_back(best_.operations[i]);
      rest_parts.push_back(parts[i]);
      if (TellsSites()) rest_sites.push_back(best_.operation_sites[i]);
    }
    if (!Shows(rest)) return false;
    rest.operation_sites = std::move(rest_sites);
    rest.sites = std::move(best_.sites);
    best_ = std::move(rest);
    parts = std::move(rest_parts);
    return true;
  }

  const TraceCondition& shows_;
  const MinimizeOptions& options_;
  Trace best_;
  absl::Status status_;
  std::uint64_t tests_ = 0;
  bool stopped_ = false;
};

}  // namespace

absl::StatusOr<Minimized> MinimizeTrace(const Trace& trace, const TraceCondition& shows, const MinimizeOptions& options) {
  return Minimizer(trace, shows, options).Run();
}

}  // namespace alloclab
