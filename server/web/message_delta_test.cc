#include "server/web/message_delta.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

#include "absl/strings/numbers.h"
#include "alloclab/v1/web.pb.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/message_differencer.h"
#include "server/http/json.h"

namespace alloclab::server {
namespace {

using google::protobuf::Value;

Value Parsed(const std::string& json) {
  Value value;
  const auto status = google::protobuf::util::JsonStringToMessage(json, &value);
  EXPECT_TRUE(status.ok()) << json << ": " << std::string(status.message());
  return value;
}

// As the page does it (dashboards/web/live.js).
void Patch(Value& old, const Value& change) {
  const auto& fields = change.struct_value().fields();
  if (old.has_list_value() && change.has_struct_value()) {
    auto& list = *old.mutable_list_value();
    for (const auto& [index, values] : fields) {
      int at = 0;
      ASSERT_TRUE(absl::SimpleAtoi(index, &at));
      for (const Value& value : values.list_value().values()) {
        while (list.values_size() <= at) list.add_values();
        *list.mutable_values(at++) = value;
      }
    }
  } else if (old.has_struct_value() && change.has_struct_value()) {
    auto& known = *old.mutable_struct_value()->mutable_fields();
    for (const auto& [name, value] : fields) {
      if (value.has_null_value()) {
        known.erase(name);
      } else {
        Patch(known[name], value);
      }
    }
  } else {
    old = change;
  }
}

// Applies the delta to the JSON of the first; that must be the JSON of the second.
void ExpectPatches(const google::protobuf::Message& before, const google::protobuf::Message& after) {
  Value value = Parsed(*ToJson(before));
  Patch(value, Parsed(Delta(before, after)));
  const Value expected = Parsed(*ToJson(after));
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(value, expected))
      << Delta(before, after) << " makes " << value.ShortDebugString() << " of it, not " << expected.ShortDebugString();
}

TEST(Delta, OfEqualMessagesIsNothing) {
  v1::MemoryMap map;
  map.mutable_heap()->add_live_bytes(5);
  EXPECT_EQ(Delta(map, map), "{}");
  EXPECT_EQ(Delta(v1::MemoryMap(), v1::MemoryMap()), "{}");
}

TEST(Delta, TellsWhatHasChangedAlone) {
  v1::MemoryMap before, after;
  for (int i = 0; i < 20; ++i) before.mutable_heap()->add_live_bytes(100);
  after = before;
  after.mutable_heap()->set_live_bytes(3, 7);
  after.mutable_heap()->set_live_bytes(5, 8);
  after.mutable_heap()->set_live_bytes(15, 9);
  after.mutable_heap()->set_cell_bytes(1ull << 40);
  EXPECT_EQ(Delta(before, after), R"({"heap":{"cell_bytes":"1099511627776","live_bytes":{"3":[7,100,8],"15":[9]}}})");
  after = before;
  after.mutable_heap()->add_live_bytes(1);
  EXPECT_EQ(Delta(before, after), R"({"heap":{"live_bytes":{"20":[1]}}})") << "a list that grows";
  before.clear_heap();
  before.mutable_heap()->add_live_bytes(1);
  before.mutable_heap()->add_live_bytes(2);
  after = before;
  after.mutable_heap()->mutable_live_bytes()->RemoveLast();
  EXPECT_EQ(Delta(before, after), R"({"heap":{"live_bytes":[1]}})") << "one that shrinks";
}

TEST(Delta, SaysWhatIsGoneAndWhatIsNew) {
  v1::LiveFigures before, after;
  before.mutable_instance()->mutable_statistics()->mutable_heap()->mutable_broken()->set_what("a \"chain\"\n\\");
  after.mutable_instance()->mutable_statistics()->mutable_heap();
  after.mutable_instance()->mutable_time()->set_seconds(5);
  ExpectPatches(before, after);
  ExpectPatches(after, before);
  before.mutable_run()->mutable_run()->set_state(v1::Run::RUNNING);
  ExpectPatches(before, after);
  ExpectPatches(after, before);
  EXPECT_EQ(Delta(before, after).find("\"run\":null") == std::string::npos, false);
}

TEST(Delta, KnowsEveryKindOfField) {
  v1::RunDetail before, after;
  v1::Run& run = *before.mutable_run();
  run.set_id(1ull << 60);
  run.set_label("läbel \x01 \"quoted\" \\");
  run.set_state(v1::Run::QUEUED);
  (*run.mutable_config()->mutable_parameters())["heap.fit"] = "first";
  (*run.mutable_config()->mutable_parameters())["heap.engine"] = "literal";
  run.mutable_result()->mutable_measured()->mutable_native()->set_ns_mean(1.5);
  after = before;
  v1::Run& changed = *after.mutable_run();
  changed.set_label("other");
  changed.set_state(v1::Run::SUCCEEDED);
  changed.mutable_config()->set_unguarded(true);
  (*changed.mutable_config()->mutable_parameters())["heap.fit"] = "best";
  changed.mutable_config()->mutable_parameters()->erase("heap.engine");
  changed.mutable_result()->mutable_measured()->mutable_native()->set_ns_mean(2.25);
  ExpectPatches(before, after);
  ExpectPatches(after, before);
  ExpectPatches(v1::RunDetail(), after);
}

TEST(Delta, PatchesWhateverComes) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const auto below = [&](std::uint32_t end) { return static_cast<std::uint32_t>(random() % end); };
  const auto change = [&](auto& list) {
    if (below(4) == 0) list.Resize(static_cast<int>(below(40)), below(3));
    for (std::uint32_t i = below(8); i > 0 && !list.empty(); --i) {
      list.Set(static_cast<int>(below(static_cast<std::uint32_t>(list.size()))), below(5));
    }
  };
  v1::MemoryMap before, after;
  for (int round = 0; round < 300; ++round) {
    before = after;
    if (below(10) == 0) after.clear_heap();
    if (below(10) == 0) after.mutable_frames()->clear_heap();
    change(*after.mutable_heap()->mutable_live_bytes());
    change(*after.mutable_heap()->mutable_free_bytes());
    change(*after.mutable_frames()->mutable_heap());
    while (after.heap().at_blocks_size() > 3) after.mutable_heap()->mutable_at_blocks()->RemoveLast();
    after.mutable_heap()->add_at_blocks()->set_bytes(below(9));
    after.mutable_heap()->mutable_at_blocks(0)->add_fields(below(3));
    after.set_torn(below(2) == 0);
    ExpectPatches(before, after);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace alloclab::server
