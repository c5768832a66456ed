// The small converters: lists, times, instances, workloads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "proto/converters/deterministic.h"
#include "server/converters/instance_converter.h"
#include "server/converters/list_converter.h"
#include "server/converters/time_converter.h"
#include "server/converters/workload_converter.h"

namespace alloclab::server {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(PageSizeFromProto, ZeroIsThePresetAndTooMuchIsRefused) {
  EXPECT_EQ(*PageSizeFromProto(0, 50, 500), 50u);
  EXPECT_EQ(*PageSizeFromProto(500, 50, 500), 500u);
  EXPECT_EQ(PageSizeFromProto(501, 50, 500).status().message(), "page_size: 501 is above 500");
}

TEST(PageTokenFromProto, IsADecimalIdAndNothingElse) {
  EXPECT_EQ(*PageTokenFromProto(""), 0u);
  EXPECT_EQ(*PageTokenFromProto("17"), 17u);
  EXPECT_EQ(*PageTokenFromProto("9223372036854775807"), 9223372036854775807u);
  for (const char* token : {"0", "-1", "1x", " 1", "9223372036854775808", "99999999999999999999"}) {
    const auto refused = PageTokenFromProto(token);
    EXPECT_TRUE(absl::IsInvalidArgument(refused.status())) << token;
    EXPECT_THAT(std::string(refused.status().message()), HasSubstr(token));
  }
}

TEST(TimeToProto, KeepsNanosecondsAlsoBeforeTheEpoch) {
  const auto after = ToProto(absl::FromUnixNanos(1'700'000'000'123'456'789));
  EXPECT_EQ(after.seconds(), 1'700'000'000);
  EXPECT_EQ(after.nanos(), 123'456'789);
  const auto before = ToProto(absl::FromUnixNanos(-1));
  EXPECT_EQ(before.seconds(), -1);
  EXPECT_EQ(before.nanos(), 999'999'999);
}

TEST(InstanceConfigConverter, GoesThereAndBackUnchanged) {
  InstanceConfig config;
  config.ram_bytes = 64 << 20;
  config.page_allocator = "page-runs";
  config.heap_allocator = "none";
  config.guarded = false;
  config.parameters = {{"heap.engine", "literal"}, {"pages.engine", "indexed"}};
  const v1::InstanceConfig proto = ToProto(config);
  EXPECT_TRUE(proto.unguarded());
  const InstanceConfig back = FromProto(proto);
  EXPECT_EQ(back.ram_bytes, config.ram_bytes);
  EXPECT_EQ(back.page_allocator, config.page_allocator);
  EXPECT_EQ(back.heap_allocator, config.heap_allocator);
  EXPECT_EQ(back.guarded, config.guarded);
  EXPECT_EQ(back.parameters, config.parameters);
}

std::string NameRefusal(const std::string& name) {
  v1::CreateInstanceRequest request;
  request.set_name(name);
  return std::string(FromProto(request).status().message());
}

TEST(CreateInstanceFromProto, NamesAreChecked) {
  for (const char* name : {"", "a", "7up", "a-b", "abcdefghijklmnopqrstuvwxyz012345", "run-x", "instance-a", "others"}) {
    EXPECT_EQ(NameRefusal(name), "") << name;
  }
  for (const char* name : {"A", "-a", "a b", "17", "a_b", "abcdefghijklmnopqrstuvwxyz0123456"}) {
    EXPECT_THAT(NameRefusal(name), StartsWith("name: \"" + std::string(name) + "\" is not a name"));
  }
  for (const char* name : {"other", "run-17", "run-17-2", "run-", "instance-17"})
    EXPECT_THAT(NameRefusal(name), HasSubstr("is reserved: the lab gives such names itself"));
}

TEST(CreateInstanceFromProto, FingerprintsAreEqualForEqualRequestsOnly) {
  v1::CreateInstanceRequest request;
  EXPECT_EQ(FromProto(request)->fingerprint, "") << "without a request_id nobody compares";
  request.set_request_id("once");
  (*request.mutable_config()->mutable_parameters())["heap.engine"] = "literal";
  (*request.mutable_config()->mutable_parameters())["pages.engine"] = "literal";
  const std::string first = FromProto(request)->fingerprint;
  EXPECT_EQ(first.size(), 64u);
  v1::CreateInstanceRequest same;
  same.set_request_id("once");
  (*same.mutable_config()->mutable_parameters())["pages.engine"] = "literal";
  (*same.mutable_config()->mutable_parameters())["heap.engine"] = "literal";
  EXPECT_EQ(FromProto(same)->fingerprint, first);
  same.mutable_config()->set_unguarded(true);
  EXPECT_NE(FromProto(same)->fingerprint, first);
}

TEST(WorkloadConverter, EveryKindGoesThereAndBackUnchanged) {
  v1::Workload builtin;
  builtin.mutable_builtin()->set_name("steady-state");
  builtin.mutable_builtin()->set_seed(3);
  builtin.mutable_builtin()->set_operations(1000);
  v1::Workload uploaded;
  uploaded.set_trace_sha256(std::string(64, 'a'));
  v1::Workload specified;
  v1::Phase& phase = *specified.mutable_spec()->add_phases();
  specified.mutable_spec()->set_name("mine");
  specified.mutable_spec()->set_seed(9);
  phase.set_name("only");
  phase.set_operations(10);
  phase.set_live_blocks(3);
  phase.mutable_size()->mutable_uniform()->set_min(16);
  phase.mutable_size()->mutable_uniform()->set_max(32);
  phase.mutable_mix()->set_malloc(1);
  for (const v1::Workload& workload : {builtin, uploaded, specified}) {
    const auto domain = FromProto(workload);
    ASSERT_TRUE(domain.ok()) << domain.status();
    EXPECT_EQ(SerializeDeterministic(ToProto(*domain)), SerializeDeterministic(workload)) << workload.DebugString();
  }
}

TEST(WorkloadConverter, RefusalsNameTheField) {
  const auto refusal = [](const v1::Workload& workload) { return std::string(FromProto(workload).status().message()); };
  v1::Workload workload;
  EXPECT_EQ(refusal(workload), "workload: not set; one of builtin, spec and trace_sha256 is expected");
  workload.set_trace_sha256("ABC");
  EXPECT_EQ(refusal(workload), "workload.trace_sha256: \"ABC\" is not a digest of 64 lower-case hex digits");
  workload.mutable_spec()->set_name("no phases");
  EXPECT_THAT(refusal(workload), StartsWith("workload.spec."));
}

TEST(SerializeDeterministic, DoesNotDependOnTheOrderOfInsertion) {
  v1::InstanceConfig a, b;
  for (int i = 0; i < 100; ++i) {
    (*a.mutable_parameters())[std::to_string(i)] = "x";
    (*b.mutable_parameters())[std::to_string(99 - i)] = "x";
  }
  EXPECT_EQ(SerializeDeterministic(a), SerializeDeterministic(b));
}

}  // namespace
}  // namespace alloclab::server
