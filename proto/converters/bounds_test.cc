#include "proto/converters/bounds.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <string>

#include "alloclab/v1/bounds.pb.h"
#include "alloclab/v1/heap.pb.h"
#include "alloclab/v1/inspect.pb.h"
#include "alloclab/v1/lab.pb.h"
#include "alloclab/v1/run.pb.h"
#include "alloclab/v1/workload.pb.h"
#include "proto/converters/methods_testing.h"

namespace alloclab {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using testing::IsEmpty;

std::vector<const Descriptor*> Requests() {
  std::vector<const Descriptor*> requests;
  for (const auto* method : AllMethods()) requests.push_back(method->input_type());
  return requests;
}

TEST(Bounds, EveryTextAndListOfEveryRequestHasOne) {
  EXPECT_GE(Requests().size(), 29u);
  for (const Descriptor* request : Requests()) EXPECT_THAT(UnboundedFields(*request), IsEmpty()) << request->full_name();
}

TEST(Bounds, AFieldWithoutOneIsFound) {
  EXPECT_THAT(UnboundedFields(*v1::Server::descriptor()), testing::Contains("Server.version"));
  EXPECT_THAT(UnboundedFields(*v1::DiffRunsReply::descriptor()), testing::Contains("DiffRunsReply.differences"));
}

// Fills field after field of a message to its bound and one beyond it, and says how many there were.
int ProbeFields(Message& root, Message& message, const std::string& path) {
  int probed = 0;
  const Reflection& reflection = *message.GetReflection();
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor& field = *message.GetDescriptor()->field(i);
    const auto bytes = field.options().GetExtension(v1::max_bytes), items = field.options().GetExtension(v1::max_items);
    const bool text = field.cpp_type() == FieldDescriptor::CPPTYPE_STRING;
    const std::string name = path + field.name();
    if (text && !field.is_repeated()) {
      reflection.SetString(&message, &field, std::string(bytes, 'a'));
      EXPECT_TRUE(CheckBounds(root).ok()) << name << ": " << CheckBounds(root);
      reflection.SetString(&message, &field, std::string(bytes + 1, 'a'));
      EXPECT_EQ(CheckBounds(root).message(),
                name + ": " + std::to_string(bytes + 1) + " bytes; at most " + std::to_string(bytes) + " are allowed");
      reflection.ClearField(&message, &field);
      ++probed;
    } else if (field.is_repeated() && !field.is_map()) {
      for (std::uint32_t item = 0; item <= items; ++item) {
        if (item == items) {
          EXPECT_TRUE(CheckBounds(root).ok()) << name << ": " << CheckBounds(root);
        }
        if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) reflection.AddMessage(&message, &field);
        if (field.cpp_type() == FieldDescriptor::CPPTYPE_UINT32) reflection.AddUInt32(&message, &field, 1);
        if (field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM) reflection.AddEnumValue(&message, &field, 1);
      }
      EXPECT_EQ(CheckBounds(root).message(),
                name + ": " + std::to_string(items + 1) + " items; at most " + std::to_string(items) + " are allowed");
      reflection.ClearField(&message, &field);
      ++probed;
      if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        probed += ProbeFields(root, *reflection.AddMessage(&message, &field), name + "[0].");
        reflection.ClearField(&message, &field);
      }
    } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && !field.is_map()) {
      probed += ProbeFields(root, *reflection.MutableMessage(&message, &field), name + ".");
      reflection.ClearField(&message, &field);
    }
  }
  return probed;
}

TEST(Bounds, HoldAtTheBoundAndOneBeyondIt) {
  int probed = 0;
  for (const Descriptor* request : Requests()) {
    const std::unique_ptr<Message> message(google::protobuf::MessageFactory::generated_factory()->GetPrototype(request)->New());
    probed += ProbeFields(*message, *message, "");
  }
  EXPECT_GE(probed, 45);
}

TEST(Bounds, OfAMap) {
  const auto check = [](const std::string& key, const std::string& value) {
    v1::InstanceConfig config;
    (*config.mutable_parameters())[key] = value;
    return std::string(CheckBounds(config).message());
  };
  EXPECT_EQ(check(std::string(128, 'k'), std::string(128, 'v')), "");
  EXPECT_EQ(check("k", std::string(129, 'v')), "parameters (a value): 129 bytes; at most 128 are allowed");
  EXPECT_EQ(check(std::string(129, 'k'), "v"), "parameters (a key): 129 bytes; at most 128 are allowed");
  v1::InstanceConfig config;
  for (int i = 0; i < 65; ++i) (*config.mutable_parameters())[std::to_string(i)] = "v";
  EXPECT_EQ(CheckBounds(config).message(), "parameters: 65 items; at most 64 are allowed");
}

TEST(Bounds, OfAWholeSpecification) {
  v1::SubmitRunRequest request;
  for (int i = 0; i < 1000; ++i) {
    v1::Phase& phase = *request.mutable_workload()->mutable_spec()->add_phases();
    for (int j = 0; j < 256; ++j) phase.mutable_size()->mutable_weighted()->add_choices()->set_size(1u << 31);
  }
  EXPECT_THAT(std::string(CheckBounds(request).message()),
              testing::MatchesRegex("workload: [0-9]+ bytes; at most 1048576 are allowed"));
}

}  // namespace
}  // namespace alloclab
