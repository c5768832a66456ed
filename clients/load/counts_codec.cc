#include "clients/load/counts_codec.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

namespace alloclab::load {
namespace {

using Counts64 = google::protobuf::RepeatedField<std::uint64_t>;

template <std::size_t kRows, std::size_t kColumns>
using Table = std::array<std::array<std::uint64_t, kColumns>, kRows>;

absl::Status BadCounts(std::string_view field, std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("{}: {}", field, what));
}

// Of a series of counts: at most kCountMax in all.
absl::Status CheckSum(std::string_view field, const Counts64& counts) {
  std::uint64_t sum = 0;
  for (const std::uint64_t count : counts) {
    if (count > kCountMax - sum) return BadCounts(field, fmt::format("expected at most {} in all", kCountMax));
    sum += count;
  }
  return absl::OkStatus();
}

template <std::size_t kRows, std::size_t kColumns>
void FlattenTable(const Table<kRows, kColumns>& table, Counts64& flat) {
  for (const auto& row : table) flat.Add(row.begin(), row.end());
}

template <std::size_t kRows, std::size_t kColumns>
absl::Status ReadTable(std::string_view field, const Counts64& flat, Table<kRows, kColumns>& table) {
  if (flat.empty()) return absl::OkStatus();
  if (flat.size() != kRows * kColumns) {
    return BadCounts(field, fmt::format("{} counts, expected {}", flat.size(), kRows * kColumns));
  }
  for (std::size_t i = 0; i < kRows * kColumns; ++i) table[i / kColumns][i % kColumns] = flat[static_cast<int>(i)];
  return CheckSum(field, flat);
}

void WriteHistogram(const LatencyHistogram& histogram, v1::LatencyCounts& message) {
  const LogHistogram& buckets = histogram.buckets();
  for (int bucket = 0; bucket < LogHistogram::kBuckets; ++bucket) {
    const std::uint64_t count = buckets.counts()[static_cast<std::size_t>(bucket)];
    if (count == 0) continue;
    message.add_buckets(static_cast<std::uint32_t>(bucket));
    message.add_counts(count);
  }
  message.set_sum_ns(buckets.sum());
  message.set_min_ns(buckets.min());
  message.set_max_ns(buckets.max());
}

absl::Status ReadHistogram(std::string_view field, const v1::LatencyCounts& message, LatencyHistogram& histogram) {
  if (message.buckets_size() != message.counts_size()) return BadCounts(field, "expected a count for each bucket");
  if (absl::Status status = CheckSum(field, message.counts()); !status.ok()) return status;
  LogHistogram::Parts parts{.counts = {}, .sum = message.sum_ns(), .min = message.min_ns(), .max = message.max_ns()};
  for (int i = 0; i < message.buckets_size(); ++i) {
    const std::uint32_t bucket = message.buckets(i);
    if (bucket >= LogHistogram::kBuckets || message.counts(i) == 0 || (i > 0 && bucket <= message.buckets(i - 1))) {
      return BadCounts(field, fmt::format("bucket {}: expected ascending buckets below {} that hold anything", bucket,
                                          LogHistogram::kBuckets));
    }
    parts.counts.emplace_back(static_cast<int>(bucket), message.counts(i));
  }
  std::optional<LogHistogram> whole = LogHistogram::FromParts(parts);
  if (!whole) return BadCounts(field, "its sum, smallest or largest value is not one that its buckets can have");
  histogram = LatencyHistogram(*std::move(whole));
  return absl::OkStatus();
}

// The histograms of both, each with its name.
template <typename Do>
absl::Status ForHistograms(Do each) {
  struct Pair {
    std::string_view name;
    LatencyHistogram LoadCounts::*ours;
    const v1::LatencyCounts& (v1::LoadCounts::*get)() const;
    v1::LatencyCounts* (v1::LoadCounts::*mutate)();
  };
  using M = v1::LoadCounts;
  for (const Pair& pair : {Pair{"response", &LoadCounts::response, &M::response, &M::mutable_response},
                           Pair{"service", &LoadCounts::service, &M::service, &M::mutable_service},
                           Pair{"server", &LoadCounts::server, &M::server, &M::mutable_server},
                           Pair{"lag", &LoadCounts::lag, &M::lag, &M::mutable_lag},
                           Pair{"own_lag", &LoadCounts::own_lag, &M::own_lag, &M::mutable_own_lag}}) {
    if (absl::Status status = each(pair); !status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

v1::LoadCounts CountsToProto(const LoadCounts& counts) {
  v1::LoadCounts message;
  FlattenTable(counts.answered, *message.mutable_answered());
  FlattenTable(counts.lost, *message.mutable_lost());
  message.set_scheduled(counts.scheduled);
  message.mutable_dropped()->Add(counts.dropped.begin(), counts.dropped.end());
  message.set_passes(counts.passes);
  message.set_between_passes_ns(static_cast<std::uint64_t>(counts.between_passes.count()));
  ForHistograms([&](const auto& pair) {
    WriteHistogram(counts.*pair.ours, *(message.*pair.mutate)());
    return absl::OkStatus();
  }).IgnoreError();
  return message;
}

absl::StatusOr<LoadCounts> CountsFromProto(const v1::LoadCounts& message) {
  LoadCounts counts;
  if (absl::Status status = ReadTable("answered", message.answered(), counts.answered); !status.ok()) return status;
  if (absl::Status status = ReadTable("lost", message.lost(), counts.lost); !status.ok()) return status;
  Table<1, kDropReasons> dropped{};
  if (absl::Status status = ReadTable("dropped", message.dropped(), dropped); !status.ok()) return status;
  counts.dropped = dropped.front();
  const std::pair<std::string_view, std::uint64_t> numbers[] = {
      {"scheduled", message.scheduled()}, {"passes", message.passes()}, {"between_passes_ns", message.between_passes_ns()}};
  for (const auto& [field, number] : numbers) {
    if (number > kCountMax) return BadCounts(field, fmt::format("{}, expected at most {}", number, kCountMax));
  }
  counts.scheduled = message.scheduled();
  counts.passes = message.passes();
  counts.between_passes = Nanos(static_cast<Nanos::rep>(message.between_passes_ns()));
  const absl::Status histograms =
      ForHistograms([&](const auto& pair) { return ReadHistogram(pair.name, (message.*pair.get)(), counts.*pair.ours); });
  if (!histograms.ok()) return histograms;
  return counts;
}

bool IsLater(const LoadCounts& counts, const LoadCounts& earlier) {
  const auto later = [](const LatencyHistogram& one, const LatencyHistogram& other) {
    const auto &after = one.buckets().counts(), &before = other.buckets().counts();
    return std::equal(after.begin(), after.end(), before.begin(), std::greater_equal<>());
  };
  return later(counts.response, earlier.response) && later(counts.service, earlier.service) &&
         later(counts.server, earlier.server) && later(counts.lag, earlier.lag) && later(counts.own_lag, earlier.own_lag);
}

}  // namespace alloclab::load
