// Runs over a real channel: submit, watch, cancel, list, delete, compare, restart.
#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include "absl/time/clock.h"
#include "server/testing/eventually.h"
#include "server/testing/test_server.h"

namespace alloclab::server {
namespace {

using google::protobuf::util::MessageDifferencer;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

v1::Run Submit(TestServer& server, const v1::SubmitRunRequest& request) {
  v1::Run run;
  const grpc::Status status = With([&](auto& context) { return server->runs->SubmitRun(&context, request, &run); });
  EXPECT_TRUE(status.ok()) << status.error_message();
  return run;
}

v1::Run Get(TestServer& server, std::uint64_t id) {
  v1::GetRunRequest request;
  request.set_id(id);
  v1::Run run;
  const grpc::Status status = With([&](auto& context) { return server->runs->GetRun(&context, request, &run); });
  EXPECT_TRUE(status.ok()) << status.error_message();
  return run;
}

v1::Run Cancel(TestServer& server, std::uint64_t id) {
  v1::CancelRunRequest request;
  request.set_id(id);
  v1::Run run;
  const grpc::Status status = With([&](auto& context) { return server->runs->CancelRun(&context, request, &run); });
  EXPECT_TRUE(status.ok()) << status.error_message();
  return run;
}

grpc::Status Delete(TestServer& server, std::uint64_t id) {
  v1::DeleteRunRequest request;
  request.set_id(id);
  v1::DeleteRunResponse reply;
  return With([&](auto& context) { return server->runs->DeleteRun(&context, request, &reply); });
}

v1::DiffRunsReply Diff(TestServer& server, std::uint64_t a, std::uint64_t b) {
  v1::DiffRunsRequest request;
  request.set_a(a);
  request.set_b(b);
  v1::DiffRunsReply reply;
  const grpc::Status status = With([&](auto& context) { return server->runs->DiffRuns(&context, request, &reply); });
  EXPECT_TRUE(status.ok()) << status.error_message();
  return reply;
}

void AwaitRunning(TestServer& server, std::uint64_t id) {
  EXPECT_TRUE(Eventually([&] { return Get(server, id).operations_done() != 0; }));
}

TEST(Runs, SucceedWithAResult) {
  TestServer server;
  v1::SubmitRunRequest request = SmallRun();
  request.set_label("first");
  request.set_digest_at("1/4,5000");
  const v1::Run run = server.RunToEnd(request);
  ASSERT_EQ(run.state(), v1::Run::SUCCEEDED) << run.error();
  EXPECT_EQ(run.label(), "first");
  const v1::Exact& exact = run.result().exact();
  EXPECT_EQ(exact.operations(), 20'000u);
  EXPECT_EQ(exact.counters().operations(), 20'000u);
  EXPECT_EQ(exact.violations(), 0u);
  EXPECT_EQ(exact.seed(), 7u);
  EXPECT_EQ(exact.trace_sha256().size(), 64u);
  ASSERT_THAT(exact.checkpoints(), SizeIs(2)) << "a quarter is 5,000: one checkpoint, and the end";
  EXPECT_EQ(exact.checkpoints(1).after_operation(), 20'000u);
  EXPECT_EQ(exact.config().parameters().at("heap.engine"), "indexed");
  EXPECT_GT(run.result().measured().replay_ns(), 0u);
  EXPECT_GE(run.end_time().seconds(), run.submit_time().seconds());
}

TEST(Runs, EveryBuiltinCanBeReplayed) {
  TestServer server;
  v1::ListBuiltinsResponse builtins;
  ASSERT_TRUE(With([&](auto& context) { return server->workloads->ListBuiltins(&context, {}, &builtins); }).ok());
  ASSERT_GE(builtins.builtins_size(), 6);
  for (const v1::Builtin& builtin : builtins.builtins()) {
    SCOPED_TRACE(builtin.name());
    EXPECT_FALSE(builtin.description().empty());
    EXPECT_GT(builtin.operations(), 0u);
    v1::SubmitRunRequest request;
    request.mutable_workload()->mutable_builtin()->set_name(builtin.name());
    request.mutable_workload()->mutable_builtin()->set_operations(2000);
    const v1::Run run = server.RunToEnd(request);
    EXPECT_EQ(run.state(), v1::Run::SUCCEEDED) << run.error();
    EXPECT_GE(run.result().exact().operations(), 2000u);
  }
}

TEST(Runs, WatchShowsProgressAndEnds) {
  TestServer server;
  const v1::Run submitted = Submit(server, EndlessRun());
  grpc::ClientContext context;
  v1::WatchRunRequest request;
  request.set_id(submitted.id());
  const auto reader = server->runs->WatchRun(&context, request);
  v1::Run run;
  int messages = 0;
  std::uint64_t done = 0;
  const absl::Time began = absl::Now();
  while (messages < 8 && reader->Read(&run)) {
    ++messages;
    EXPECT_GE(run.operations_done(), done);
    done = run.operations_done();
  }
  EXPECT_EQ(messages, 8);
  EXPECT_GT(done, 0u);
  EXPECT_GT(absl::Now() - began, absl::Milliseconds(400)) << "more than 10 messages a second";
  Cancel(server, submitted.id());
  while (reader->Read(&run)) continue;
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_EQ(run.state(), v1::Run::CANCELLED);
}

TEST(Runs, CancelIsPromptAndKeepsWhatWasDone) {
  TestServer server;
  const v1::Run submitted = Submit(server, EndlessRun());
  AwaitRunning(server, submitted.id());
  const absl::Time began = absl::Now();
  const v1::Run run = Cancel(server, submitted.id());
  EXPECT_LT(absl::Now() - began, absl::Seconds(3)) << "100 ms on an idle machine";
  EXPECT_EQ(run.state(), v1::Run::CANCELLED);
  EXPECT_GT(run.operations_done(), 0u);
  EXPECT_EQ(run.result().exact().operations(), run.operations_done());
  EXPECT_EQ(Cancel(server, submitted.id()).state(), v1::Run::CANCELLED) << "a run that has ended stays as it is";
}

TEST(Runs, CancelInTheQueue) {
  TestServer server([](ServerOptions& options) { options.run_threads = 1; });
  const v1::Run running = Submit(server, EndlessRun());
  AwaitRunning(server, running.id());
  const v1::Run queued = Submit(server, SmallRun());
  EXPECT_EQ(Get(server, queued.id()).state(), v1::Run::QUEUED);
  EXPECT_EQ(Cancel(server, queued.id()).state(), v1::Run::CANCELLED);
  EXPECT_EQ(Cancel(server, running.id()).state(), v1::Run::CANCELLED);
}

TEST(Runs, QueueIsBounded) {
  TestServer server([](ServerOptions& options) {
    options.run_threads = 1;
    options.queued_runs_max = 1;
  });
  const v1::Run running = Submit(server, EndlessRun());
  AwaitRunning(server, running.id());
  const v1::Run queued = Submit(server, SmallRun());
  v1::Run refused;
  const grpc::Status status = With([&](auto& context) { return server->runs->SubmitRun(&context, SmallRun(), &refused); });
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("--queued-runs-max"));
  Cancel(server, running.id());
  EXPECT_EQ(server.AwaitEnd(queued.id()).state(), v1::Run::SUCCEEDED);
}

TEST(Runs, DeleteOnlyWhenEnded) {
  TestServer server;
  const v1::Run running = Submit(server, EndlessRun());
  EXPECT_EQ(Delete(server, running.id()).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  Cancel(server, running.id());
  EXPECT_TRUE(Delete(server, running.id()).ok());
  EXPECT_EQ(Delete(server, running.id()).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_GT(Submit(server, SmallRun()).id(), running.id()) << "an id is not given twice";
}

TEST(Runs, RepeatedSubmissionAnswersWithTheFirstEvenAfterARestart) {
  TestServer server;
  v1::SubmitRunRequest request = SmallRun();
  request.set_request_id("once");
  const v1::Run first = server.RunToEnd(request);
  EXPECT_EQ(Submit(server, request).id(), first.id());
  server.Restart();
  const v1::Run again = Submit(server, request);
  EXPECT_EQ(again.id(), first.id());
  EXPECT_EQ(again.state(), v1::Run::SUCCEEDED);
  request.set_label("another");
  v1::Run refused;
  const grpc::Status status = With([&](auto& context) { return server->runs->SubmitRun(&context, request, &refused); });
  EXPECT_EQ(status.error_code(), grpc::StatusCode::ALREADY_EXISTS) << status.error_message();
}

TEST(Runs, ResultsSurviveARestartAndRunningOnesAreInterrupted) {
  TestServer server;
  const v1::Run done = server.RunToEnd(SmallRun());
  const v1::Run running = Submit(server, EndlessRun());
  server.Restart();
  EXPECT_TRUE(MessageDifferencer::Equals(Get(server, done.id()), done));
  const v1::Run interrupted = Get(server, running.id());
  EXPECT_EQ(interrupted.state(), v1::Run::INTERRUPTED);
  EXPECT_THAT(interrupted.error(), HasSubstr("shut down"));
}

std::string SmallTrace() {
  std::string text = "20000000\n100\n200\n1\n";
  for (int i = 0; i < 100; ++i) text += "a " + std::to_string(i) + " " + std::to_string(i * 8 + 1) + "\n";
  for (int i = 0; i < 100; ++i) text += "f " + std::to_string(i) + "\n";
  return text;
}

v1::TraceInfo Upload(TestServer& server, const std::string& text) {
  grpc::ClientContext context;
  v1::TraceInfo info;
  const auto writer = server->workloads->UploadTrace(&context, &info);
  v1::UploadTraceRequest chunk;
  chunk.set_name("small.rep");
  for (std::size_t at = 0; at < text.size(); at += 100) {
    chunk.set_data(text.substr(at, 100));
    EXPECT_TRUE(writer->Write(chunk));
    chunk.clear_name();
  }
  writer->WritesDone();
  const grpc::Status status = writer->Finish();
  EXPECT_TRUE(status.ok()) << status.error_message();
  return info;
}

TEST(Runs, AnUploadedTraceCanBeReplayedAlsoAfterARestart) {
  TestServer server;
  const v1::TraceInfo info = Upload(server, SmallTrace());
  EXPECT_EQ(info.operations(), 200u);
  EXPECT_EQ(info.format(), "cmu-rep-a");
  EXPECT_EQ(Upload(server, SmallTrace()).sha256(), info.sha256());
  server.Restart();
  v1::SubmitRunRequest request;
  request.mutable_workload()->set_trace_sha256(info.sha256());
  const v1::Run run = server.RunToEnd(request);
  ASSERT_EQ(run.state(), v1::Run::SUCCEEDED) << run.error();
  EXPECT_EQ(run.result().exact().trace_sha256(), info.sha256());
  EXPECT_EQ(run.result().exact().operations(), 200u);
  EXPECT_EQ(run.label(), "small.rep");
  request.set_label("mine");
  EXPECT_EQ(server.RunToEnd(request).label(), "mine");
}

TEST(Runs, KeepWhatWasOddInTheFileOfATrace) {
  TestServer server;
  const v1::TraceInfo info = Upload(server, "a 0 512\na 1\nf 0\nf 1\n");
  const auto odd = ElementsAre("line 1: no header; ids and operations are as many as the file has",
                               "line 2: an allocation without a size gets the size before it");
  EXPECT_THAT(info.notes(), odd);
  v1::SubmitRunRequest request;
  request.mutable_workload()->set_trace_sha256(info.sha256());
  EXPECT_THAT(server.RunToEnd(request).result().exact().trace_notes(), odd);
  const v1::TraceInfo again = Upload(server, "20000\n2\n4\n1\na 0 512\na 1 512\nf 0\nf 1\n");
  EXPECT_EQ(again.sha256(), info.sha256());
  EXPECT_EQ(again.format(), "cmu-rep-a");
  EXPECT_THAT(again.notes(), IsEmpty());
  for (const bool restarted : {false, true}) {
    if (restarted) server.Restart();
    const v1::Exact exact = server.RunToEnd(request).result().exact();
    EXPECT_EQ(exact.trace_format(), "cmu-rep-a") << "the last file with these operations is the one that the store has";
    EXPECT_THAT(exact.trace_notes(), IsEmpty());
  }
}

TEST(Runs, TraceStoreIsBounded) {
  TestServer server([](ServerOptions& options) { options.trace_store_max = 100; });
  grpc::ClientContext context;
  v1::TraceInfo info;
  const auto writer = server->workloads->UploadTrace(&context, &info);
  v1::UploadTraceRequest chunk;
  chunk.set_data(SmallTrace());
  writer->Write(chunk);
  writer->WritesDone();
  const grpc::Status status = writer->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr("--trace-store-max"));
}

TEST(Runs, DiffFindsTheTwoEnginesIdentical) {
  TestServer server;
  v1::SubmitRunRequest literal = SmallRun();
  (*literal.mutable_config()->mutable_parameters())["heap.engine"] = "literal";
  const v1::Run a = server.RunToEnd(SmallRun()), b = server.RunToEnd(literal);
  const v1::DiffRunsReply diff = Diff(server, a.id(), b.id());
  EXPECT_TRUE(diff.identical()) << diff.ShortDebugString();
  EXPECT_TRUE(diff.same_trace());
  EXPECT_EQ(diff.first_operation(), 0u);
  ASSERT_THAT(diff.differences(), SizeIs(1));
  EXPECT_EQ(diff.differences(0).field(), "config.parameters[heap.engine]");
}

TEST(Runs, DiffNamesTheFirstOperation) {
  TestServer server;
  v1::SubmitRunRequest small_heap = SmallRun();
  (*small_heap.mutable_config()->mutable_parameters())["heap.initial_bytes"] = "65536";
  const v1::Run a = server.RunToEnd(SmallRun()), b = server.RunToEnd(small_heap);
  const v1::DiffRunsReply diff = Diff(server, a.id(), b.id());
  EXPECT_FALSE(diff.identical());
  EXPECT_TRUE(diff.same_trace());
  EXPECT_GT(diff.first_operation(), 0u);
  EXPECT_THAT(diff.first_difference(), HasSubstr(std::to_string(diff.first_operation())));
  EXPECT_THAT(diff.first_difference(), HasSubstr(" in run 1, "));
  EXPECT_THAT(diff.first_difference(), HasSubstr(" in run 2"));
  for (const v1::FieldDifference& difference : diff.differences())
    EXPECT_NE(difference.a(), difference.b()) << difference.field();
  const v1::Run other = server.RunToEnd(SmallRun(20'000, /*seed=*/8));
  const v1::DiffRunsReply elsewhere = Diff(server, a.id(), other.id());
  EXPECT_FALSE(elsewhere.identical() || elsewhere.same_trace());
  EXPECT_EQ(elsewhere.first_operation(), 0u);
}

TEST(Runs, WithoutResultCannotBeCompared) {
  TestServer server;
  const v1::Run running = Submit(server, EndlessRun());
  v1::DiffRunsRequest request;
  request.set_a(running.id());
  request.set_b(running.id());
  v1::DiffRunsReply reply;
  const grpc::Status status = With([&](auto& context) { return server->runs->DiffRuns(&context, request, &reply); });
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  Cancel(server, running.id());
}

TEST(Runs, TooMuchHostMemoryFailsTheRunAndNotTheServer) {
  TestServer server([](ServerOptions& options) { options.memory_max = 4 << 20; });
  v1::SubmitRunRequest request = EndlessRun();
  (*request.mutable_config()->mutable_parameters())["heap.engine"] = "indexed";
  request.mutable_workload()->mutable_spec()->mutable_phases(0)->set_operations(20'000'000);
  const v1::Run run = server.RunToEnd(request);
  EXPECT_EQ(run.state(), v1::Run::FAILED);
  EXPECT_THAT(run.error(), HasSubstr("--memory-max"));
  EXPECT_EQ(server.RunToEnd(SmallRun(100)).state(), v1::Run::SUCCEEDED);
}

}  // namespace
}  // namespace alloclab::server
