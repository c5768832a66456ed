#include "proto/converters/json.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "alloclab/v1/heap.pb.h"
#include "alloclab/v1/lab.pb.h"

namespace alloclab {
namespace {

std::string Compact(const google::protobuf::Message& message) { return *MessageToJson(message, JsonLayout::kCompact); }

// In a hash table of hundreds of keys, no two of these tables would have the same order by chance.
TEST(MessageToJson, MapsStandInTheOrderOfTheirKeys) {
  std::vector<std::string> names;
  for (int i = 100; i < 400; ++i) names.push_back("heap.parameter" + std::to_string(i));
  v1::InstanceConfig forwards, backwards;
  for (auto name = names.begin(); name != names.end(); ++name) (*forwards.mutable_parameters())[*name] = "1";
  for (auto name = names.rbegin(); name != names.rend(); ++name) (*backwards.mutable_parameters())[*name] = "1";
  const std::string json = Compact(forwards);
  EXPECT_EQ(json, Compact(backwards));
  std::size_t last = 0;
  for (const std::string& name : names) {
    const std::size_t at = json.find(name);
    ASSERT_NE(at, std::string::npos) << name;
    ASSERT_GT(at, last) << name;
    last = at;
  }
}

TEST(MessageToJson, EveryFieldIsThereByItsName) {
  v1::OperationReply reply;
  reply.set_outcome(v1::DOUBLE_FREE);
  reply.set_sequence(3);
  const std::string json = Compact(reply);
  EXPECT_TRUE(json.starts_with("{\"outcome\":\"DOUBLE_FREE\",\"address\":0,\"sequence\":\"3\"")) << json;
}

TEST(MessageToJson, IndentsWhenAsked) {
  v1::FreeRequest request;
  request.set_instance("a \"b\"");
  EXPECT_EQ(*MessageToJson(request, JsonLayout::kIndented), "{\n \"instance\": \"a \\\"b\\\"\",\n \"address\": 0\n}\n");
}

}  // namespace
}  // namespace alloclab
