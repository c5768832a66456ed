#include "server/testing/full_disk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/testing/test_server.h"

namespace alloclab::server {
namespace {

using testing::HasSubstr;

// A server on a full disk refuses what it cannot keep, and goes on when there is room again.
TEST(FullDiskServer, RefusesRunsAndLives) {
  TestServer server;
  ASSERT_EQ(server.RunToEnd(SmallRun(100)).state(), v1::Run::SUCCEEDED);
  {
    const FullDisk full(4096);
    v1::Run run;
    const grpc::Status status = With([&](auto& context) { return server->runs->SubmitRun(&context, SmallRun(100), &run); });
    EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_THAT(status.error_message(), HasSubstr("the store cannot be written"));
  }
  EXPECT_EQ(server.RunToEnd(SmallRun(100)).state(), v1::Run::SUCCEEDED);
}

// The disk fills up while a run is replayed: it fails with the reason, and says so after a restart too.
TEST(FullDiskServer, FailsTheRunWhoseResultCannotBeKept) {
  TestServer server;
  v1::Run run;
  ASSERT_TRUE(With([&](auto& context) { return server->runs->SubmitRun(&context, EndlessRun(), &run); }).ok());
  {
    const FullDisk full(4096);
    v1::CancelRunRequest cancel;
    cancel.set_id(run.id());
    ASSERT_TRUE(With([&](auto& context) { return server->runs->CancelRun(&context, cancel, &run); }).ok());
    EXPECT_EQ(run.state(), v1::Run::FAILED);
    EXPECT_THAT(run.error(), HasSubstr("the result is lost"));
  }
  server.Restart();
  v1::GetRunRequest get;
  get.set_id(run.id());
  ASSERT_TRUE(With([&](auto& context) { return server->runs->GetRun(&context, get, &run); }).ok());
  EXPECT_EQ(run.state(), v1::Run::FAILED);
}

}  // namespace
}  // namespace alloclab::server
