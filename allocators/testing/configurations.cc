#include "allocators/testing/configurations.h"

#include <algorithm>
#include <map>
#include <span>
#include <tuple>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "allocators/common/check.h"

namespace alloclab {
namespace {

// Frames beyond the least machine that the allocators can be made on.
constexpr std::uint64_t kSpareFrames = 48;
// More combinations of words than this would be too many to test: of the last parameters each word is then tested once, with
// the defaults of all others, on the first page allocator only.
constexpr std::size_t kCombinationsMax = 12;

absl::StatusOr<std::unique_ptr<Instance>> TryMake(const Configuration& configuration, std::uint64_t ram_bytes,
                                                  std::uint32_t limit_bytes) {
  InstanceConfig config{ram_bytes, "", "", configuration.guarded, configuration.parameters};
  for (const ParameterInfo& parameter : configuration.heap->parameters) {
    const bool limits = absl::EndsWith(parameter.name, ".limit_bytes") || absl::EndsWith(parameter.name, ".arena_bytes");
    if (limit_bytes != 0 && limits) {
      config.parameters[parameter.name] = absl::StrCat(limit_bytes);
    }
  }
  return Instance::Create(config, *configuration.pages, *configuration.heap);
}

// Of any size that fits; whether there is a machine on which these parameters go together.
bool CanBeMade(const Configuration& configuration) { return TryMake(configuration, 16 << 20, 0).ok(); }

std::string NameOf(const Configuration& configuration) {
  std::string name = absl::StrCat(configuration.heap->name, "_on_", configuration.pages->name,
                                  configuration.guarded ? "_guarded" : "_unguarded");
  for (const auto& [parameter, word] : configuration.parameters) {
    absl::StrAppend(&name, "_", parameter.substr(parameter.find('.') + 1), "_", word);
  }
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !absl::ascii_isalnum(static_cast<unsigned char>(c)); }, '_');
  return name;
}

// Each combination so far with each word of each parameter, as long as these are not too many; then, if `single_words`, those
// with one word that is not the first.
void Combine(const std::vector<ParameterInfo>& parameters, bool single_words, std::vector<ParameterValues>& combinations) {
  for (const ParameterInfo& parameter : parameters) {
    if (parameter.words.empty()) continue;
    if (combinations.size() * parameter.words.size() > kCombinationsMax) {
      for (ParameterValues& values : combinations) values.emplace(parameter.name, parameter.words.front());
      for (const std::string& word : std::span(parameter.words).subspan(1)) {
        if (single_words) combinations.push_back({{parameter.name, word}});
      }
      continue;
    }
    std::vector<ParameterValues> more;
    for (const ParameterValues& values : combinations) {
      for (const std::string& word : parameter.words) {
        more.push_back(values);
        more.back()[parameter.name] = word;
      }
    }
    combinations = std::move(more);
  }
}

void AddConfigurations(const PageAllocatorInfo& pages, const HeapAllocatorInfo& heap, std::vector<Configuration>& all) {
  const bool single_words = &pages == &PageAllocators().front();
  std::vector<ParameterValues> combinations(1);
  Combine(pages.parameters, single_words, combinations);
  Combine(heap.parameters, single_words, combinations);
  for (const bool guarded : {true, false}) {
    const std::size_t before = all.size();
    for (const ParameterValues& values : combinations) {
      Configuration configuration{.name = {}, .pages = &pages, .heap = &heap, .guarded = guarded, .parameters = values};
      configuration.name = NameOf(configuration);
      if (CanBeMade(configuration)) all.push_back(std::move(configuration));
    }
    ALLOCLAB_CHECK_GT(all.size(), before);
  }
}

std::vector<Configuration> MakeConfigurations() {
  const PageAllocatorInfo& default_pages = PageAllocators().front();
  const HeapAllocatorInfo& default_heap = HeapAllocators().front();
  std::vector<Configuration> all;
  for (const HeapAllocatorInfo& heap : HeapAllocators()) AddConfigurations(default_pages, heap, all);
  for (const PageAllocatorInfo& pages : PageAllocators().subspan(1)) {
    AddConfigurations(pages, default_heap, all);
    AddConfigurations(pages, **FindHeapAllocator("none"), all);
  }
  return all;
}

}  // namespace

Mix Configuration::Fitting(Mix mix) const {
  constexpr std::uint32_t kElements = 4;  // a calloc has up to so many, each rounded up
  mix.bytes_max = std::min(mix.bytes_max, heap->declaration->request_max - kElements);
  return mix;
}

std::unique_ptr<Instance> Configuration::MakeInstance(const Mix& mix) const {
  std::uint64_t ram_bytes = std::max(mix.ram_bytes, PhysicalMemory::kBytesMin);
  auto instance = TryMake(*this, ram_bytes, mix.limit_bytes);
  while (!instance.ok() && ram_bytes < PhysicalMemory::kBytesDefault) {
    ram_bytes *= 2;
    instance = TryMake(*this, ram_bytes, mix.limit_bytes);
  }
  ALLOCLAB_CHECK_EQ(instance.status().message(), "");
  const std::uint64_t free_bytes = (*instance)->pages().Shape().free_bytes, wanted = kSpareFrames * kPageBytes;
  if (free_bytes < wanted) instance = TryMake(*this, ram_bytes + wanted - free_bytes, mix.limit_bytes);
  ALLOCLAB_CHECK_EQ(instance.status().message(), "");
  return *std::move(instance);
}

const std::vector<Configuration>& Configurations() {
  static const auto& all = *new std::vector<Configuration>(MakeConfigurations());
  return all;
}

std::vector<std::vector<Configuration>> ConfigurationsThatDifferInEngines() {
  std::map<std::tuple<std::string, std::string, bool, ParameterValues>, std::vector<Configuration>> groups;
  for (const Configuration& configuration : Configurations()) {
    ParameterValues others = configuration.parameters;
    std::erase_if(others, [](const auto& parameter) { return absl::EndsWith(parameter.first, ".engine"); });
    groups[{configuration.pages->name, configuration.heap->name, configuration.guarded, others}].push_back(configuration);
  }
  std::vector<std::vector<Configuration>> result;
  for (auto& [key, group] : groups) {
    if (group.size() > 1) result.push_back(std::move(group));
  }
  return result;
}

Configuration GuardedTwin(Configuration unguarded) {
  unguarded.guarded = true;
  unguarded.name = NameOf(unguarded);
  return unguarded;
}

}  // namespace alloclab
