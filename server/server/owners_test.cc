// What one user of a shared lab tries to do to another's work, in ways that the table of roles does not show.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "alloclab/v1/guest.grpc.pb.h"
#include "alloclab/v1/time_travel.grpc.pb.h"
#include "server/limits.h"
#include "server/testing/eventually.h"
#include "server/testing/owners_fixture.h"

namespace alloclab::server {
namespace {

TEST_F(Owners, NobodyIsInTheWayOfAnothersRequestIds) {
  v1::SubmitRunRequest run = SmallRun();
  run.set_request_id("study/1");
  v1::SubmitRunRequest different = SmallRun(10);
  different.set_request_id("study/2");
  const v1::Run of_bob = Submit(bob_, run);
  Submit(bob_, different);
  const v1::Run of_ada = Submit(ada_, run);
  EXPECT_EQ(of_ada.owner(), "ada");
  EXPECT_NE(of_ada.id(), of_bob.id());
  EXPECT_EQ(Submit(ada_, run).id(), of_ada.id());
  run.set_request_id("study/2");
  EXPECT_EQ(Submit(ada_, run).owner(), "ada") << "though bob asked for something else by that id";

  v1::CreateInstanceRequest instance;
  instance.mutable_config()->set_ram_bytes(1 << 20);
  instance.set_request_id("mine");
  v1::Instance first, second, again;
  ASSERT_TRUE(Create(bob_, instance, first).ok());
  ASSERT_TRUE(Create(ada_, instance, second).ok());
  ASSERT_TRUE(Create(ada_, instance, again).ok());
  EXPECT_EQ(second.owner(), "ada");
  EXPECT_NE(second.id(), first.id());
  EXPECT_EQ(again.id(), second.id());
}

TEST_F(Owners, AnOpenedRunIsMovedByWhoOpenedIt) {
  const v1::Run run = Submit(ada_, SmallRun());
  const auto travel = v1::TimeTravel::NewStub(server_->channel);
  v1::Moment moment;
  v1::OpenRunRequest open;
  open.set_run(run.id());
  open.set_operation(100);
  ASSERT_TRUE(As(ada_, [&](auto& context) { return travel->Open(&context, open, &moment); }).ok());
  const std::string name = moment.instance();
  const auto moved = [&](const std::string& user, auto request, auto reply, auto method) {
    request.set_instance(name);
    return As(user, [&](auto& context) { return (travel.get()->*method)(&context, request, &reply); }).error_code();
  };
  using Stub = v1::TimeTravel::Stub;
  constexpr auto kDenied = grpc::StatusCode::PERMISSION_DENIED;
  v1::SeekRequest seek;
  seek.set_operation(7);
  v1::ExplainRequest explain;
  explain.set_operation(7);
  v1::ExplainRunRequest survey;
  survey.set_until(300);
  v1::FindTenantsRequest tenants;
  tenants.set_until(300);
  EXPECT_EQ(moved(bob_, seek, v1::Moment(), &Stub::Seek), kDenied);
  EXPECT_EQ(moved(bob_, explain, v1::Explanation(), &Stub::Explain), kDenied);
  EXPECT_EQ(moved(bob_, survey, v1::RunExplanation(), &Stub::ExplainRun), kDenied);
  EXPECT_EQ(moved(bob_, tenants, v1::TenantList(), &Stub::FindTenants), kDenied);
  EXPECT_EQ(moved(bob_, v1::CloseRunRequest(), v1::CloseRunReply(), &Stub::Close), kDenied);
  for (const char* action : {"seek?operation=7", "explain?operation=7", "holes", "tenants?address=0xc0400008", "close"}) {
    EXPECT_EQ(Post(bob_, absl::StrCat("/api/instances/", name, "/", action)), 403) << action;
  }
  v1::DescribeRequest describe;
  describe.set_instance(name);
  ASSERT_TRUE(As(bob_, [&](auto& context) { return travel->Describe(&context, describe, &moment); }).ok()) << "a look";
  EXPECT_EQ(moment.operation(), 100u);
  EXPECT_EQ(moved(ada_, explain, v1::Explanation(), &Stub::Explain), grpc::StatusCode::OK);
}

TEST_F(Owners, UploadsOfOneLeaveRoomForOthers) {
  struct Upload {
    std::unique_ptr<v1::Workloads::Stub> stub;
    grpc::ClientContext context;
    v1::TraceInfo info;
    std::unique_ptr<grpc::ClientWriter<v1::UploadTraceRequest>> writer;
  };
  grpc::ChannelArguments alone;
  alone.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a connection each
  const auto begin = [&](const std::string& user) {
    auto upload = std::make_unique<Upload>();
    upload->stub = v1::Workloads::NewStub(
        grpc::CreateCustomChannel(server_.server().grpc_address(), grpc::InsecureChannelCredentials(), alone));
    upload->context.AddMetadata("authorization", user);
    upload->writer = upload->stub->UploadTrace(&upload->context, &upload->info);
    v1::UploadTraceRequest chunk;
    chunk.set_name("some.rep");
    chunk.set_data("20\n2\n4\n1\na 0 16\na 1 32\nf 0\nf 1\n");
    upload->writer->Write(chunk);
    return upload;
  };
  const auto end = [](Upload& upload) {
    upload.writer->WritesDone();
    return upload.writer->Finish().error_code();
  };
  std::vector<std::unique_ptr<Upload>> of_bob;
  for (std::uint32_t i = 0; i < kConcurrentUploadsMax; ++i) of_bob.push_back(begin(bob_));
  EXPECT_EQ(end(*begin(ada_)), grpc::StatusCode::OK);
  int refused = 0;
  for (const auto& upload : of_bob) refused += end(*upload) == grpc::StatusCode::RESOURCE_EXHAUSTED;
  EXPECT_GE(refused, 1) << "of " << of_bob.size();
}

// However many computers he has: bob's further connections are of no use to him, and ada's calls are served.
TEST_F(Owners, NobodyHasAllTheConnections) {
  grpc::ChannelArguments alone;
  alone.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a connection each
  std::vector<std::unique_ptr<v1::Lab::Stub>> open;
  const auto call = [&](const std::string& user) {
    open.push_back(v1::Lab::NewStub(
        grpc::CreateCustomChannel(server_.server().grpc_address(), grpc::InsecureChannelCredentials(), alone)));
    return As(user, [&](auto& context) {
      v1::Server answer;
      return open.back()->GetServer(&context, v1::GetServerRequest(), &answer);
    });
  };
  for (std::uint32_t i = 0; i < kConnectionsOfOne; ++i) EXPECT_TRUE(call(bob_).ok()) << i;
  const grpc::Status refused = call(bob_);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(refused.error_message(), testing::HasSubstr("bob has 3 connections"));
  EXPECT_THAT(refused.error_message(), testing::HasSubstr("--owner-connections-max"));
  EXPECT_TRUE(call(ada_).ok());
  open.erase(open.begin());
  EXPECT_TRUE(Eventually([&] { return call(bob_).ok(); })) << "now that one is closed";
}

TEST_F(Owners, ConnectionsThatHaveStreamsAloneCountToo) {
  grpc::ChannelArguments alone;
  alone.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  std::vector<std::shared_ptr<grpc::Channel>> open;
  const auto channel = [&] {
    return open.emplace_back(
        grpc::CreateCustomChannel(server_.server().grpc_address(), grpc::InsecureChannelCredentials(), alone));
  };
  const auto watch = [&] {
    const auto runs = v1::Runs::NewStub(channel());
    return As(bob_, [&](auto& context) { return runs->WatchRun(&context, v1::WatchRunRequest())->Finish(); });
  };
  const auto walk = [&] {
    const auto inspect = v1::Inspect::NewStub(channel());
    return As(bob_, [&](auto& context) { return inspect->WalkBlocks(&context, v1::WalkBlocksRequest())->Finish(); });
  };
  const auto stream = [&] {
    const auto heap = v1::Heap::NewStub(channel());
    return As(bob_, [&](auto& context) {
      const auto call = heap->Stream(&context);
      call->WritesDone();
      return call->Finish();
    });
  };
  const auto upload = [&] {
    const auto workloads = v1::Workloads::NewStub(channel());
    return As(bob_, [&](auto& context) {
      v1::TraceInfo info;
      const auto call = workloads->UploadTrace(&context, &info);
      call->WritesDone();
      return call->Finish();
    });
  };
  const std::vector<std::function<grpc::Status()>> calls = {watch, walk, stream, upload};
  for (std::uint32_t i = 0; i < kConnectionsOfOne; ++i)
    EXPECT_NE(calls[i]().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << i;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const grpc::Status refused = calls[i]();
    EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << i << ": " << refused.error_message();
    EXPECT_THAT(refused.error_message(), testing::HasSubstr("bob has 3 connections")) << i;
  }
}

TEST_F(Owners, AStreamEndsWithItsToken) {
  v1::CreateInstanceRequest create;
  create.set_name("his");
  v1::Instance made;
  ASSERT_TRUE(Create(bob_, create, made).ok());
  const grpc::Status ended = As(bob_, [&](auto& context) {
    const auto stream = server_->heap->Stream(&context);
    const auto again = [&] {
      v1::BatchReply reply;
      return stream->Write(BatchBuilder("his").Add(v1::MALLOC, 0, 16).Add(v1::FREE, 0).batch()) && stream->Read(&reply);
    };
    EXPECT_TRUE(again());
    EXPECT_TRUE(RevokeToken(data_dir_, "bob").ok());
    EXPECT_TRUE(Eventually([&] { return !again(); }));
    return stream->Finish();
  });
  EXPECT_EQ(ended.error_code(), grpc::StatusCode::UNAUTHENTICATED) << ended.error_message();
}

// Its reader's notes are part of a result, and of the same operations bob can make a file that says what he likes.
TEST_F(Owners, AResultTellsOfNoFileThatAnotherHasDeleted) {
  v1::TraceInfo trace;
  const auto of_run = [&](const std::string& user) {
    EXPECT_TRUE(As(user, [&](auto& context) {
                  const auto writer = server_->workloads->UploadTrace(&context, &trace);
                  v1::UploadTraceRequest chunk;
                  chunk.set_name(user == ada_ ? "hers.rep" : "his.rep");
                  chunk.set_data("20\n1\n2\n1\na 0 16\nf 0\n");
                  writer->Write(chunk);
                  writer->WritesDone();
                  return writer->Finish();
                }).ok());
    v1::SubmitRunRequest request;
    request.mutable_workload()->set_trace_sha256(trace.sha256());
    request.set_share_result(true);
    v1::Run run = Submit(user, request);
    v1::GetRunRequest get;
    get.set_id(run.id());
    EXPECT_TRUE(Eventually([&] {
      return As(user, [&](auto& context) { return server_->runs->GetRun(&context, get, &run); }).ok() && run.has_result();
    }));
    return run.result().measured().of_run();
  };
  EXPECT_EQ(of_run(bob_), 0u);
  EXPECT_EQ(of_run(ada_), 1u) << "of his file, which is there";
  v1::DeleteTraceRequest remove;
  remove.set_sha256(trace.sha256());
  v1::DeleteTraceResponse removed;
  ASSERT_TRUE(As(bob_, [&](auto& context) { return server_->workloads->DeleteTrace(&context, remove, &removed); }).ok());
  EXPECT_EQ(of_run(ada_), 0u) << "of hers";
  EXPECT_EQ(of_run(bob_), 1u) << "his own";
}

// Ada deletes what bob's runs wait for: she gets rid of it, and his runs go on.
TEST_F(Owners, WhatAnotherWaitsForPassesToHim) {
  std::vector<std::uint64_t> occupying;
  for (std::uint32_t i = 0; i < kRunThreads; ++i) occupying.push_back(Submit(bob_, EndlessRun()).id());
  v1::TraceInfo trace;
  ASSERT_TRUE(As(ada_, [&](auto& context) {
                const auto writer = server_->workloads->UploadTrace(&context, &trace);
                v1::UploadTraceRequest chunk;
                chunk.set_name("hers.rep");
                chunk.set_data("20\n2\n4\n1\na 0 16\na 1 32\nf 0\nf 1\n");
                writer->Write(chunk);
                writer->WritesDone();
                return writer->Finish();
              }).ok());
  const auto guests = v1::Guests::NewStub(server_->channel);
  v1::Guest program;
  ASSERT_TRUE(As(ada_, [&](auto& context) {
                const auto writer = guests->UploadGuest(&context, &program);
                v1::UploadGuestRequest chunk;
                chunk.set_name("hers.elf");
                std::ifstream file(ALLOCLAB_SOURCE_DIR "/allocators/guest/testdata/programs/kr.elf", std::ios::binary);
                chunk.set_data(std::string(std::istreambuf_iterator<char>(file), {}));
                writer->Write(chunk);
                writer->WritesDone();
                return writer->Finish();
              }).ok());
  v1::SubmitRunRequest of_bob = SmallRun();
  of_bob.mutable_config()->set_heap_allocator(program.name());
  of_bob.mutable_config()->clear_parameters();
  of_bob.mutable_workload()->set_trace_sha256(trace.sha256());
  const v1::Run waits = Submit(bob_, of_bob);
  EXPECT_EQ(waits.config().heap_allocator(), program.name());
  const auto remove = [&](const std::string& user) {
    v1::DeleteTraceRequest remove_trace;
    remove_trace.set_sha256(trace.sha256());
    v1::DeleteTraceResponse trace_gone;
    v1::DeleteGuestRequest remove_program;
    remove_program.set_name(program.name());
    v1::DeleteGuestResponse program_gone;
    return std::pair{
        As(user, [&](auto& context) { return server_->workloads->DeleteTrace(&context, remove_trace, &trace_gone); })
            .error_code(),
        As(user, [&](auto& context) { return guests->DeleteGuest(&context, remove_program, &program_gone); }).error_code()};
  };
  using Code = grpc::StatusCode;
  EXPECT_EQ(remove(bob_), std::pair(Code::PERMISSION_DENIED, Code::PERMISSION_DENIED));
  EXPECT_EQ(remove(ada_), std::pair(Code::OK, Code::OK));
  EXPECT_EQ(remove(ada_), std::pair(Code::PERMISSION_DENIED, Code::PERMISSION_DENIED)) << "they are bob's now";
  EXPECT_EQ(remove(bob_), std::pair(Code::FAILED_PRECONDITION, Code::FAILED_PRECONDITION)) << "his own run waits";
  for (const std::uint64_t id : occupying) {
    v1::CancelRunRequest cancel;
    cancel.set_id(id);
    v1::Run cancelled;
    EXPECT_TRUE(As(bob_, [&](auto& context) { return server_->runs->CancelRun(&context, cancel, &cancelled); }).ok());
  }
  v1::Run run;
  EXPECT_TRUE(Eventually([&] {
    v1::GetRunRequest get;
    get.set_id(waits.id());
    As(bob_, [&](auto& context) { return server_->runs->GetRun(&context, get, &run); });
    return run.state() == v1::Run::SUCCEEDED || run.state() == v1::Run::FAILED;
  }));
  EXPECT_EQ(run.state(), v1::Run::SUCCEEDED) << run.error();
  EXPECT_EQ(remove(bob_), std::pair(Code::OK, Code::OK));
}

// Whoever deletes what is his, by a name that is another's a moment later, must not delete that.
TEST_F(Owners, ANameThatPassesToAnotherTakesNoChangeAlong) {
  constexpr int kTurns = 1000;
  std::atomic<bool> over{false};
  std::thread bob([&] {
    while (!over) {
      Post(bob_, "/api/instances?name=contested&ram=1Mi");
      Post(bob_, "/api/instances/contested/delete");
    }
  });
  std::thread more([&] {
    while (!over) Post(bob_, "/api/instances/contested/delete");
  });
  v1::CreateInstanceRequest create;
  create.set_name("contested");
  create.mutable_config()->set_ram_bytes(1 << 20);
  int lost = 0;
  for (int turn = 0; turn < kTurns;) {
    v1::Instance mine, seen;
    if (!Create(ada_, create, mine).ok()) continue;
    ++turn;
    v1::GetInstanceRequest get;
    get.set_instance(std::to_string(mine.id()));
    absl::SleepFor(absl::Microseconds(200));
    lost += !As(ada_, [&](auto& context) { return server_->lab->GetInstance(&context, get, &seen); }).ok();
    v1::DeleteInstanceRequest remove;
    remove.set_instance(get.instance());
    v1::DeleteInstanceResponse gone;
    As(ada_, [&](auto& context) { return server_->lab->DeleteInstance(&context, remove, &gone); });
  }
  over = true;
  bob.join();
  more.join();
  EXPECT_EQ(lost, 0) << "of " << kTurns;
}

}  // namespace
}  // namespace alloclab::server
