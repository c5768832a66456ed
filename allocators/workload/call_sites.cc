#include "allocators/workload/call_sites.h"

#include <algorithm>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace alloclab {
namespace {

std::string_view BaseName(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// The site's frames from the caller on.
std::vector<const CallFrame*> FramesFromCaller(const SiteTable& table, std::uint32_t site) {
  std::vector<const CallFrame*> frames;
  if (site == 0 || site > table.sites.size()) return frames;
  for (const std::uint32_t frame : table.sites[site - 1]) {
    const CallFrame& call = table.frames[frame];
    if (!frames.empty() || !call.function.starts_with("operator new")) frames.push_back(&call);
  }
  return frames;
}

}  // namespace

std::uint64_t SiteTable::host_bytes() const {
  std::uint64_t bytes = frames.capacity() * sizeof(CallFrame) + sites.capacity() * sizeof(sites[0]);
  for (const CallFrame& frame : frames) {
    bytes += frame.module.capacity() + frame.function.capacity() + frame.source.capacity();
  }
  for (const std::vector<std::uint32_t>& site : sites) bytes += site.capacity() * sizeof(site[0]);
  return bytes;
}

std::string FrameName(const CallFrame& frame) {
  if (frame.function.empty()) return absl::StrFormat("%s+0x%x", BaseName(frame.module), frame.offset);
  if (frame.source.empty()) return frame.function;
  return absl::StrFormat("%s (%s:%d)", frame.function, BaseName(frame.source), frame.line);
}

const CallFrame* CallerOf(const SiteTable& table, std::uint32_t site) {
  const std::vector<const CallFrame*> frames = FramesFromCaller(table, site);
  return frames.empty() ? nullptr : frames.front();
}

std::string SiteName(const SiteTable& table, std::uint32_t site, std::size_t frames_max) {
  if (site == 0) return {};
  std::vector<std::string> names;
  for (const CallFrame* frame : FramesFromCaller(table, site)) {
    if (names.size() == frames_max) break;
    names.push_back(FrameName(*frame));
  }
  return names.empty() ? absl::StrFormat("site %d", site) : absl::StrJoin(names, " < ");
}

}  // namespace alloclab
