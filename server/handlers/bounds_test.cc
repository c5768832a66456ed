// Every text and list of every request is bounded at the door: over the wire, by the messages' own descriptors.
#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/dynamic_message.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include "alloclab/v1/bounds.pb.h"
#include "proto/converters/methods_testing.h"
#include "server/testing/test_server.h"

namespace alloclab::server {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::MethodDescriptor;
using testing::HasSubstr;

// Sends one message, whatever kind of call it is, and takes the status.
grpc::Status Call(TestServer& server, const MethodDescriptor& method, const Message& request) {
  grpc::GenericStub stub(server->channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  grpc::CompletionQueue queue;
  const auto await = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  const auto call = stub.PrepareCall(&context, PathOf(method), &queue);
  call->StartCall(nullptr);
  await();
  const std::string bytes = request.SerializeAsString();
  const grpc::Slice slice(bytes);
  call->Write(grpc::ByteBuffer(&slice, 1), nullptr);
  await();
  call->WritesDone(nullptr);
  await();
  grpc::ByteBuffer reply;
  bool more = true;
  while (more) {
    call->Read(&reply, nullptr);
    more = await();
  }
  grpc::Status status;
  call->Finish(&status, nullptr);
  await();
  return status;
}

TEST(Bounds, OfEveryRequestAreCheckedByItsCall) {
  TestServer server;
  int checked = 0;
  for (const MethodDescriptor* method : AllMethods()) {
    const Descriptor& type = *method->input_type();
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor& field = *type.field(i);
      const auto bytes = field.options().GetExtension(v1::max_bytes), items = field.options().GetExtension(v1::max_items);
      if (bytes == 0 && items == 0) continue;
      const std::unique_ptr<Message> request(google::protobuf::MessageFactory::generated_factory()->GetPrototype(&type)->New());
      const auto& reflection = *request->GetReflection();
      if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
        reflection.SetString(request.get(), &field, std::string(bytes + 1, 'a'));
      } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_UINT32) {
        for (std::uint32_t n = 0; n <= items; ++n) reflection.AddUInt32(request.get(), &field, 1);
      } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM) {
        for (std::uint32_t n = 0; n <= items; ++n) reflection.AddEnumValue(request.get(), &field, 1);
      } else {
        continue;  // a message: its own fields are below
      }
      const grpc::Status status = Call(server, *method, *request);
      EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << method->full_name() << ' ' << field.name();
      EXPECT_THAT(status.error_message(), HasSubstr(field.name() + ": ")) << method->full_name();
      EXPECT_THAT(status.error_message(), HasSubstr(" are allowed")) << method->full_name();
      ++checked;
    }
  }
  EXPECT_GE(checked, 30);
}

TEST(Bounds, OfNestedMessagesNameThePath) {
  TestServer server;
  v1::SubmitRunRequest request = SmallRun(100);
  request.mutable_workload()->mutable_spec()->mutable_phases(0)->set_name(std::string(4 << 20 >> 3, 'n'));
  v1::Run run;
  grpc::Status status = With([&](auto& context) { return server->runs->SubmitRun(&context, request, &run); });
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_message(), "workload.spec.phases[0].name: 524288 bytes; at most 128 are allowed");
  request = SmallRun(100);
  (*request.mutable_config()->mutable_parameters())["heap.engine"] = std::string(129, 'x');
  status = With([&](auto& context) { return server->runs->SubmitRun(&context, request, &run); });
  EXPECT_EQ(status.error_message(), "config.parameters (a value): 129 bytes; at most 128 are allowed");
}

// Runs with the longest texts and the most phases that are allowed: lists stay small and go on page by page.
TEST(Bounds, ListsHaveNoPhases) {
  TestServer server;
  v1::SubmitRunRequest request = SmallRun(2000);
  v1::WorkloadSpec& spec = *request.mutable_workload()->mutable_spec();
  spec.set_name(std::string(128, 's'));
  request.set_label(std::string(128, 'l'));
  const v1::Phase phase = spec.phases(0);
  while (spec.phases_size() < 1000) *spec.add_phases() = phase;
  for (v1::Phase& each : *spec.mutable_phases()) {
    each.set_name(std::string(128, 'p'));
    each.set_live_blocks(0);
    each.set_operations(2);
  }
  constexpr int kRuns = 12;
  v1::Run run;
  for (int i = 0; i < kRuns; ++i) {
    const grpc::Status status = With([&](auto& context) { return server->runs->SubmitRun(&context, request, &run); });
    ASSERT_TRUE(status.ok()) << status.error_message();
  }
  v1::ListRunsRequest list;
  list.set_page_size(5);
  int runs = 0, pages = 0;
  do {
    v1::ListRunsResponse page;
    const grpc::Status status = With([&](auto& context) { return server->runs->ListRuns(&context, list, &page); });
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_LT(page.ByteSizeLong(), 10'000u) << "no phases";
    runs += page.runs_size();
    ++pages;
    list.set_page_token(page.next_page_token());
  } while (!list.page_token().empty());
  EXPECT_EQ(runs, kRuns);
  EXPECT_EQ(pages, 3);
}

}  // namespace
}  // namespace alloclab::server
