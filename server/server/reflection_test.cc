// What a reflection client learns: every service that is listed can be described.
#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/descriptor_database.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/util/json_util.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "server/testing/test_server.h"

namespace alloclab::server {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::Message;
using testing::UnorderedElementsAre;

// A message of the reflection protocol, which Debian links but does not declare.
std::unique_ptr<Message> NewMessage(const std::string& name) {
  const auto* descriptor =
      DescriptorPool::generated_pool()->FindMessageTypeByName("grpc.reflection.v1alpha.ServerReflection" + name);
  return std::unique_ptr<Message>(google::protobuf::MessageFactory::generated_factory()->GetPrototype(descriptor)->New());
}

// One question, as JSON, and its answer.
grpc::Status Ask(TestServer& server, const std::string& question, Message& answer) {
  const std::unique_ptr<Message> request = NewMessage("Request");
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(question, request.get()).ok()) << question;
  grpc::Slice sent(request->SerializeAsString());
  grpc::TemplatedGenericStub<grpc::ByteBuffer, grpc::ByteBuffer> stub(server->channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  grpc::CompletionQueue queue;
  const auto next = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  const auto call = stub.PrepareCall(&context, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", &queue);
  call->StartCall(nullptr);
  next();
  call->Write(grpc::ByteBuffer(&sent, 1), nullptr);
  next();
  grpc::ByteBuffer received;
  call->Read(&received, nullptr);
  if (next()) {
    grpc::Slice bytes;
    EXPECT_TRUE(received.DumpToSingleSlice(&bytes).ok());
    EXPECT_TRUE(answer.ParseFromArray(bytes.begin(), static_cast<int>(bytes.size())));
    context.TryCancel();  // one answer is enough; a call that the server refused ends by itself
  }
  grpc::Status status;
  call->Finish(&status, nullptr);
  next();
  return status;
}

const Message& Field(const Message& message, const char* name) {
  return message.GetReflection()->GetMessage(message, message.GetDescriptor()->FindFieldByName(name));
}

std::vector<std::string> ListServices(TestServer& server) {
  const std::unique_ptr<Message> answer = NewMessage("Response");
  Ask(server, R"({"list_services": "*"})", *answer);
  const Message& list = Field(*answer, "list_services_response");
  const auto* services = list.GetDescriptor()->FindFieldByName("service");
  std::vector<std::string> names;
  for (int i = 0; i < list.GetReflection()->FieldSize(list, services); ++i) {
    const Message& service = list.GetReflection()->GetRepeatedMessage(list, services, i);
    names.push_back(service.GetReflection()->GetString(service, service.GetDescriptor()->FindFieldByName("name")));
  }
  return names;
}

// Puts the files that describe `symbol` into `files`.
void Describe(TestServer& server, const std::string& symbol, google::protobuf::SimpleDescriptorDatabase& files) {
  const std::unique_ptr<Message> answer = NewMessage("Response");
  Ask(server, "{\"file_containing_symbol\": \"" + symbol + "\"}", *answer);
  const Message& response = Field(*answer, "file_descriptor_response");
  const auto* protos = response.GetDescriptor()->FindFieldByName("file_descriptor_proto");
  for (int i = 0; i < response.GetReflection()->FieldSize(response, protos); ++i) {
    google::protobuf::FileDescriptorProto file;
    ASSERT_TRUE(file.ParseFromString(response.GetReflection()->GetRepeatedString(response, protos, i)));
    files.Add(file);
  }
}

TEST(Reflection, EveryServiceThatIsListedIsDescribed) {
  TestServer server;
  const std::vector<std::string> names = ListServices(server);
  EXPECT_THAT(names, UnorderedElementsAre("alloclab.v1.Heap", "alloclab.v1.Inspect", "alloclab.v1.Lab", "alloclab.v1.Runs",
                                          "alloclab.v1.Guests", "alloclab.v1.TimeTravel", "alloclab.v1.Workloads",
                                          "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"));
  for (const std::string& name : names) {
    google::protobuf::SimpleDescriptorDatabase files;
    Describe(server, name, files);
    DescriptorPool pool(&files);
    const auto* service = pool.FindServiceByName(name);
    ASSERT_NE(service, nullptr) << name;
    EXPECT_GT(service->method_count(), 0) << name;
  }
}

TEST(Reflection, HealthIsDescribedAsItIsPublished) {
  TestServer server;
  google::protobuf::SimpleDescriptorDatabase files;
  Describe(server, "grpc.health.v1.Health", files);
  DescriptorPool pool(&files);
  const auto* service = pool.FindServiceByName("grpc.health.v1.Health");
  ASSERT_NE(service, nullptr);
  const auto* watch = service->FindMethodByName("Watch");
  ASSERT_NE(watch, nullptr);
  EXPECT_TRUE(watch->server_streaming() && !watch->client_streaming());
  EXPECT_NE(service->FindMethodByName("Check"), nullptr);
  EXPECT_EQ(watch->input_type()->FindFieldByName("service")->number(), 1);
  const auto* status = watch->output_type()->FindFieldByName("status");
  EXPECT_EQ(status->number(), 1);
  EXPECT_EQ(status->enum_type()->FindValueByName("SERVICE_UNKNOWN")->number(), 3);
}

TEST(Reflection, CanBeSwitchedOff) {
  TestServer server([](ServerOptions& options) { options.reflection = false; });
  const grpc::Status status = Ask(server, R"({"list_services": "*"})", *NewMessage("Response"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED) << status.error_message();
}

}  // namespace
}  // namespace alloclab::server
