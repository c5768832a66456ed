#include "proto/converters/workload_spec.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <string>
#include <variant>

#include "allocators/workload/builtins.h"

namespace alloclab {
namespace {

using google::protobuf::util::MessageDifferencer;
using testing::HasSubstr;
using testing::StartsWith;

// Two phases with lifetimes, and the kinds of size that are left.
void AddLives(v1::WorkloadSpec& spec) {
  v1::Phase& phase = *spec.add_phases();
  phase.set_operations(1000);
  phase.mutable_size()->mutable_lognormal()->set_median(64);
  phase.mutable_size()->mutable_lognormal()->set_sigma_percent(120);
  phase.mutable_size()->mutable_lognormal()->set_max(5000);
  phase.mutable_lifetime()->mutable_pareto()->set_min(2);
  phase.mutable_lifetime()->mutable_pareto()->set_shape_percent(110);
  phase.mutable_lifetime()->mutable_pareto()->set_max(900);
  phase.mutable_mix()->set_malloc(3);
  phase.mutable_mix()->set_pages(2);
  for (const std::uint32_t pages : {1, 4}) phase.mutable_page_size()->mutable_zipf()->add_sizes(pages);
  phase.mutable_page_size()->mutable_zipf()->set_exponent_percent(90);
  phase.mutable_processes()->set_count(4);
  v1::Bin& bin = *phase.mutable_processes()->mutable_lifetime()->mutable_histogram()->add_bins();
  bin.set_min(10);
  bin.set_max(20);
  bin.set_weight(3);
  phase.mutable_burst()->set_every(100);
  phase.mutable_burst()->set_blocks(10);
}

void AddGroups(v1::WorkloadSpec& spec) {
  v1::Phase& phase = *spec.add_phases();
  phase.set_operations(1000);
  phase.mutable_mix()->set_malloc(1);
  for (const std::uint32_t bytes : {16, 4000}) {
    v1::BlockGroup& group = *phase.add_groups();
    group.set_weight(2);
    group.mutable_size()->set_fixed(bytes);
    group.mutable_lifetime()->set_fixed(bytes * 2);
  }
}

// One phase for each kind of size, with every field set.
v1::WorkloadSpec EveryField() {
  v1::WorkloadSpec spec;
  spec.set_name("every");
  spec.set_seed(7);
  for (int i = 0; i < 4; ++i) {
    v1::Phase& phase = *spec.add_phases();
    phase.set_name("phase " + std::to_string(i));
    phase.set_operations(1000);
    phase.set_live_blocks(10 + static_cast<std::uint32_t>(i));
    phase.set_free_order(static_cast<v1::FreeOrder>(i));
    phase.mutable_mix()->set_malloc(3);
    phase.mutable_mix()->set_calloc(2);
    phase.mutable_mix()->set_realloc(1);
  }
  spec.mutable_phases(0)->mutable_size()->set_fixed(64);
  spec.mutable_phases(1)->mutable_size()->mutable_uniform()->set_min(16);
  spec.mutable_phases(1)->mutable_size()->mutable_uniform()->set_max(32);
  spec.mutable_phases(2)->mutable_size()->mutable_exponential()->set_mean(100);
  spec.mutable_phases(2)->mutable_size()->mutable_exponential()->set_max(4096);
  v1::Choice& choice = *spec.mutable_phases(3)->mutable_size()->mutable_weighted()->add_choices();
  choice.set_size(24);
  choice.set_weight(5);
  spec.mutable_phases(1)->mutable_touch()->set_percent(30);
  spec.mutable_phases(2)->mutable_touch()->set_first_bytes(64);
  AddLives(spec);
  AddGroups(spec);
  return spec;
}

std::string ErrorOf(const v1::WorkloadSpec& spec) { return std::string(SpecFromProto(spec).status().message()); }

TEST(WorkloadSpecConverter, KeepsEveryField) {
  const v1::WorkloadSpec before = EveryField();
  const absl::StatusOr<WorkloadSpec> spec = SpecFromProto(before);
  ASSERT_TRUE(spec.ok()) << spec.status();
  const v1::WorkloadSpec after = SpecToProto(*spec);
  EXPECT_TRUE(MessageDifferencer::Equals(after, before)) << after.DebugString();
}

TEST(WorkloadSpecConverter, KeepsTheBuiltins) {
  for (const BuiltinWorkload& builtin : BuiltinWorkloads()) {
    const auto* spec = std::get_if<WorkloadSpec>(&builtin.content);
    if (spec == nullptr) continue;
    const absl::StatusOr<WorkloadSpec> again = SpecFromProto(SpecToProto(*spec));
    ASSERT_TRUE(again.ok()) << builtin.name << ": " << again.status();
    EXPECT_EQ(Generate(*again)->operations.size(), Generate(*spec)->operations.size()) << builtin.name;
  }
}

TEST(WorkloadSpecConverter, NamesTheFieldThatIsWrong) {
  v1::WorkloadSpec spec = EveryField();
  spec.mutable_phases(2)->clear_size();
  EXPECT_THAT(ErrorOf(spec), StartsWith("phases[2].size: not set; one of fixed, uniform"));
  spec = EveryField();
  spec.mutable_phases(1)->set_free_order(static_cast<v1::FreeOrder>(9));
  EXPECT_THAT(ErrorOf(spec), StartsWith("phases[1].free_order: 9 is no FreeOrder"));
  spec = EveryField();
  spec.mutable_phases(1)->mutable_size()->mutable_uniform()->set_min(33);
  EXPECT_THAT(ErrorOf(spec), StartsWith("phases[1]"));
  spec = EveryField();
  spec.mutable_phases(1)->mutable_touch()->set_percent(101);
  EXPECT_EQ(ErrorOf(spec), "phases[1].touch.percent: 101; expected 1 to 100; without `touch` nothing is written");
  spec.mutable_phases(1)->mutable_touch()->clear_part();
  EXPECT_THAT(ErrorOf(spec), StartsWith("phases[1].touch: not set; one of percent and first_bytes is expected"));
  spec.clear_phases();
  EXPECT_THAT(ErrorOf(spec), HasSubstr("expected at least one"));
}

}  // namespace
}  // namespace alloclab
