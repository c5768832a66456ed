// Where a recorded program allocated: its call stacks, as modules and offsets, which do not change with where the kernel put
// them, and what symbols say of these.
#ifndef ALLOCLAB_ALLOCATORS_WORKLOAD_CALL_SITES_H_
#define ALLOCLAB_ALLOCATORS_WORKLOAD_CALL_SITES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace alloclab {

inline constexpr std::uint32_t kSitesMax = 65'536;           // of a file
inline constexpr std::size_t kSiteDepthMax = 32;             // frames of a site
inline constexpr std::size_t kSiteFramesMax = 131'072;       // different ones in a file
inline constexpr std::size_t kFrameTextMax = 512;            // bytes of each text of a frame
inline constexpr std::size_t kSiteTableBytesMax = 16 << 20;  // of a file's table, inflated

// A call. Texts are printable ASCII; empty: not known.
struct CallFrame {
  std::string module = {};    // path of a program or library
  std::uint64_t offset = 0;   // in the module, as its symbols have it; of the call's last byte
  std::string function = {};  // demangled
  std::string source = {};    // file; with a line
  std::uint32_t line = 0;
  friend bool operator==(const CallFrame&, const CallFrame&) = default;
};

// Call sites are numbered from 1 on; 0 is that of an operation whose site is not known.
struct SiteTable {
  std::vector<CallFrame> frames = {};  // each once
  std::vector<std::vector<std::uint32_t>> sites =
      {};  // site 1 first: its frames by their place in `frames`, the innermost first
  friend bool operator==(const SiteTable&, const SiteTable&) = default;

  // Host memory that it takes, about.
  std::uint64_t host_bytes() const;
};

// "grow (vector.cc:12)", "grow", or "libfoo.so+0x1234"; without "(anonymous namespace)::".
std::string FrameName(const CallFrame& frame);

// The frame that asked: the innermost that is no `operator new`. Null: the table does not tell the site.
const CallFrame* CallerOf(const SiteTable& table, std::uint32_t site);

// The names of a site's frames from the caller on, at most so many: "grow < push < main". "site 7" if they are not known;
// empty for site 0.
std::string SiteName(const SiteTable& table, std::uint32_t site, std::size_t frames_max);
// The same of kSiteNameFrames frames, at most kSiteNameMax bytes, the last of which are "..." if it was longer.
inline constexpr std::size_t kSiteNameFrames = 4, kSiteNameMax = 256;
std::string ShortSiteName(const SiteTable& table, std::uint32_t site);

// Adds what `more` tells, each frame and each site once. Returns the number that each of its sites has now, by the old one; up
// to `sites_max`, though `more` may tell fewer. INVALID_ARGUMENT: more sites or frames than a file holds.
absl::StatusOr<std::vector<std::uint32_t>> AddSites(const SiteTable& more, std::uint32_t sites_max, SiteTable& table);

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_WORKLOAD_CALL_SITES_H_
