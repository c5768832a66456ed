// What an allocator tells about itself beside its code: the one list from which every surface (protocol, command line, web
// page, metrics, comparison, documentation) shows its counters, figures and blocks. All of it is the same for every instance of
// an allocator, so the catalogue has it without making one.
#ifndef ALLOCLAB_ALLOCATORS_COMMON_DECLARATION_H_
#define ALLOCLAB_ALLOCATORS_COMMON_DECLARATION_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace alloclab {

// Something that an allocator counts; it only grows. Counters of one name stand together and differ in the value of one label.
struct CounterInfo {
  std::string_view name;        // snake_case, its unit last where it has one: "merges", "grown_bytes"
  std::string_view help;        // one line, the same for all counters of the name
  std::string_view label = {};  // "with"; empty: the only counter of its name
  std::string_view value = {};  // of the label: "below"
  friend bool operator==(const CounterInfo&, const CounterInfo&) = default;
};

// Something that has a value now: a word of the allocator's static state, a length.
struct FigureInfo {
  enum class Unit : std::uint8_t { kCount, kBytes, kAddress, kWord };  // kWord: shown in hexadecimal, as it lies in RAM
  std::string_view name;
  std::string_view help;
  Unit unit = Unit::kCount;
  friend bool operator==(const FigureInfo&, const FigureInfo&) = default;
};

// A named word of a block's metadata.
struct FieldInfo {
  std::string_view name;
  std::string_view help;
  FigureInfo::Unit unit = FigureInfo::Unit::kCount;
};

struct Declaration {
  std::span<const CounterInfo> counters = {};  // beside those that every allocator of its kind has
  std::span<const FigureInfo> figures = {};
  std::span<const FieldInfo> block_fields = {};  // at most kBlockFieldsMax
  std::uint32_t alignment = 4;                   // of the addresses that it gives; a power of two
  // The largest request that the code takes, and can add its own words to without wrapping; a guard refuses larger ones.
  std::uint32_t request_max = ~0u;
  // Of heaps: whether the original ignores a free of null. Guarded it is ignored by all.
  bool frees_null = true;
  // Of heaps: whether the first request makes the heap even when it is refused. Guarded, a refused one leaves it unmade.
  bool made_by_first_request = false;
  // Of page allocators: whether a part of a block may be freed.
  bool frees_parts = true;
  // Whether VisitBlocks shows all blocks, so that free memory is known.
  bool shows_blocks = true;
};

inline constexpr std::size_t kBlockFieldsMax = 4;

// Counters and figures with their values.
struct Count {
  const CounterInfo* info;
  std::uint64_t value;
  friend bool operator==(const Count& a, const Count& b) { return *a.info == *b.info && a.value == b.value; }
};
struct Figure {
  const FigureInfo* info;
  std::uint64_t value;
  friend bool operator==(const Figure& a, const Figure& b) { return *a.info == *b.info && a.value == b.value; }
};

// Declared figures and their values.
inline std::vector<Figure> FiguresOf(std::span<const FigureInfo> infos, std::span<const std::uint64_t> values) {
  std::vector<Figure> figures;
  for (std::size_t i = 0; i < values.size(); ++i) figures.push_back({&infos[i], values[i]});
  return figures;
}

// Puts a list of declared counters and their values behind `counts`.
inline void AppendCounts(std::span<const CounterInfo> infos, std::span<const std::uint64_t> values,
                         std::vector<Count>& counts) {
  for (std::size_t i = 0; i < infos.size(); ++i) counts.push_back({&infos[i], values[i]});
}

// The value of one counter of a list; 0 if it is not there.
inline std::uint64_t CountOf(std::span<const Count> counts, std::string_view name, std::string_view label_value = {}) {
  for (const Count& count : counts) {
    if (count.info->name == name && (label_value.empty() || count.info->value == label_value)) return count.value;
  }
  return 0;
}

// A name as a template argument.
template <std::size_t N>
struct FixedString {
  char text[N];
  consteval FixedString(const char (&from)[N]) { std::copy_n(from, N, text); }  // NOLINT: implicit, so that "name" is one
  constexpr std::string_view view() const { return {text, N - 1}; }
};

// The values of a declared list. `Of<"splits">()` is found when it is compiled, so declaring a counter is the one place where
// it is named beside where it counts:
//
//   constexpr CounterInfo kCounters[] = {{"splits", "placements that left a remainder"}, ...};
//   Counters<kCounters> counters_;
//   ++counters_.Of<"splits">();
template <const auto& kInfos>
class Counters {
 public:
  static constexpr std::size_t kSize = std::size(kInfos);

  // The first counter of the name; with `offset`, the one so many after it.
  template <FixedString kName>
  std::uint64_t& Of(std::size_t offset = 0) {
    constexpr std::size_t kIndex = IndexOf(kName.view());
    static_assert(kIndex < kSize, "no counter of this name is declared");
    return values_[kIndex + offset];
  }

  std::span<const std::uint64_t> values() const { return values_; }
  void Reset() { values_ = {}; }

 private:
  static constexpr std::size_t IndexOf(std::string_view name) {
    std::size_t i = 0;
    while (i < kSize && kInfos[i].name != name) ++i;
    return i;
  }

  std::array<std::uint64_t, kSize> values_{};
};

}  // namespace alloclab

#endif  // ALLOCLAB_ALLOCATORS_COMMON_DECLARATION_H_
