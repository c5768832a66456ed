// Two servers on one PostgreSQL are one lab for a client, whichever it asks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "alloclab/v1/heap.grpc.pb.h"
#include "alloclab/v1/lab.grpc.pb.h"
#include "clients/common/connection.h"
#include "clients/load/two_servers.h"
#include "server/testing/eventually.h"

namespace alloclab::load {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class SharedLabClient : public load::TwoServers {
 protected:
  static absl::Status Create(const client::Connection& connection, const std::string& name) {
    v1::CreateInstanceRequest request;
    request.set_name(name);
    request.mutable_config()->set_ram_bytes(4 << 20);
    return connection.Call(&v1::Lab::Stub::CreateInstance, request).status();
  }
  static absl::StatusOr<v1::OperationReply> Malloc(const client::Connection& connection, const std::string& name) {
    v1::MallocRequest request;
    request.set_instance(name);
    request.set_bytes(100);
    return connection.Call(&v1::Heap::Stub::Malloc, request);
  }
};

TEST_F(SharedLabClient, CallsGoToWhereTheInstanceLives) {
  const client::Connection one(client::ConnectionOptions{.server = one_->address()}),
      other(client::ConnectionOptions{.server = other_->address()});
  ASSERT_TRUE(Create(one, "toy").ok());
  const auto reply = Malloc(other, "toy");
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->address(), 0xC0400008u);
  v1::GetInstanceRequest get;
  get.set_instance("toy");
  EXPECT_EQ(other.Call(&v1::Lab::Stub::GetInstance, get)->operations(), 1u);
  v1::Lab::Stub stub(other.channel());
  v1::Instance instance;
  const client::Connection* const home = other.Follow(stub.GetInstance(other.MakeContext().get(), get, &instance));
  ASSERT_NE(home, nullptr);
  EXPECT_EQ(home->options().server, one_->address());
  EXPECT_EQ(other.Follow(grpc::Status(grpc::StatusCode::FAILED_PRECONDITION, "of something else")), nullptr);
  const absl::Status taken = Create(other, "toy");
  EXPECT_TRUE(absl::IsAlreadyExists(taken));
  EXPECT_THAT(std::string(taken.message()), AllOf(HasSubstr("exists already, on "), HasSubstr(one_->address())));
}

TEST_F(SharedLabClient, AListNamesThoseOfTheOthers) {
  const client::Connection one(client::ConnectionOptions{.server = one_->address()}),
      other(client::ConnectionOptions{.server = other_->address()});
  ASSERT_TRUE(Create(one, "toy").ok());
  ASSERT_TRUE(Create(other, "car").ok());
  const auto list = other.Call(&v1::Lab::Stub::ListInstances, v1::ListInstancesRequest());
  ASSERT_TRUE(list.ok()) << list.status();
  ASSERT_EQ(list->instances_size(), 1);
  EXPECT_EQ(list->instances(0).name(), "car");
  ASSERT_EQ(list->others_size(), 1);
  EXPECT_EQ(list->others(0).name(), "toy");
  EXPECT_EQ(list->others(0).place().address(), one_->address());
  EXPECT_EQ(list->others_trouble(), "");
}

TEST_F(SharedLabClient, WhoIsGoneIsSaidToBeGoneAndThenForgotten) {
  const client::Connection one(client::ConnectionOptions{.server = one_->address()}),
      other(client::ConnectionOptions{.server = other_->address()});
  ASSERT_TRUE(Create(one, "toy").ok());
  one_->Kill();
  const absl::Status gone = Malloc(other, "toy").status();
  EXPECT_TRUE(absl::IsUnavailable(gone)) << gone;
  EXPECT_THAT(std::string(gone.message()),
              AllOf(HasSubstr("lives on another server of this lab"),
                    HasSubstr("cannot reach a server at " + one_->address() + ": connection refused")));
  EXPECT_TRUE(Eventually([&] { return Create(other, "toy").ok(); })) << "after its lease the name is free";
  EXPECT_TRUE(Malloc(other, "toy").ok());
}

}  // namespace
}  // namespace alloclab::load
