// Uploaded traces: listed, deleted, retired.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/testing/test_server.h"

namespace alloclab::server {
namespace {

using testing::HasSubstr;

// A trace of its own for every number, about 20 bytes an operation.
std::string TraceText(int number, int blocks = 1) {
  std::string text = "20000\n" + std::to_string(blocks) + "\n" + std::to_string(2 * blocks) + "\n1\n";
  for (int i = 0; i < blocks; ++i) text += "a " + std::to_string(i) + " " + std::to_string(16 + number) + "\n";
  for (int i = 0; i < blocks; ++i) text += "f " + std::to_string(i) + "\n";
  return text;
}

grpc::Status Upload(TestServer& server, const std::string& text, v1::TraceInfo& info, const std::string& name = "small.rep") {
  grpc::ClientContext context;
  const auto writer = server->workloads->UploadTrace(&context, &info);
  v1::UploadTraceRequest chunk;
  chunk.set_name(name);
  chunk.set_data(text);
  writer->Write(chunk);
  writer->WritesDone();
  return writer->Finish();
}

v1::ListTracesResponse List(TestServer& server, std::uint32_t page_size = 0, const std::string& token = "") {
  v1::ListTracesRequest request;
  request.set_page_size(page_size);
  request.set_page_token(token);
  v1::ListTracesResponse list;
  const grpc::Status status = With([&](auto& context) { return server->workloads->ListTraces(&context, request, &list); });
  EXPECT_TRUE(status.ok()) << status.error_message();
  return list;
}

grpc::Status Delete(TestServer& server, const std::string& sha256) {
  v1::DeleteTraceRequest request;
  request.set_sha256(sha256);
  v1::DeleteTraceResponse reply;
  return With([&](auto& context) { return server->workloads->DeleteTrace(&context, request, &reply); });
}

TEST(Traces, AreListedPageByPageAndDeleted) {
  TestServer server;
  std::vector<std::string> digests;
  for (int i = 0; i < 5; ++i) {
    v1::TraceInfo info;
    ASSERT_TRUE(Upload(server, TraceText(i), info).ok());
    digests.push_back(info.sha256());
  }
  v1::ListTracesResponse page = List(server, 2);
  EXPECT_EQ(page.stored_bytes(), 5 * TraceText(0).size());
  std::vector<std::string> listed;
  for (int pages = 1;; ++pages) {
    for (const v1::TraceInfo& trace : page.traces()) {
      listed.push_back(trace.sha256());
      EXPECT_EQ(trace.name(), "small.rep");
      EXPECT_EQ(trace.bytes(), TraceText(0).size());
      EXPECT_EQ(trace.operations(), 2u);
      EXPECT_GT(trace.upload_time().seconds(), 1'600'000'000);
    }
    if (page.next_page_token().empty()) {
      EXPECT_EQ(pages, 3);
      break;
    }
    page = List(server, 2, page.next_page_token());
  }
  EXPECT_THAT(listed, testing::ElementsAreArray(digests.rbegin(), digests.rend()));
  EXPECT_TRUE(Delete(server, digests[2]).ok());
  EXPECT_EQ(List(server).traces_size(), 4);
  const grpc::Status again = Delete(server, digests[2]);
  EXPECT_EQ(again.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(again.error_message(), HasSubstr(digests[2]));
}

TEST(Traces, OfARunThatGoesOnStayAndOfOneThatEndedMayGo) {
  TestServer server([](ServerOptions& options) { options.run_threads = 1; });
  v1::TraceInfo info;
  ASSERT_TRUE(Upload(server, TraceText(0), info).ok());
  v1::Run endless, run;
  ASSERT_TRUE(With([&](auto& context) { return server->runs->SubmitRun(&context, EndlessRun(), &endless); }).ok());
  v1::SubmitRunRequest request;
  request.mutable_workload()->set_trace_sha256(info.sha256());
  ASSERT_TRUE(With([&](auto& context) { return server->runs->SubmitRun(&context, request, &run); }).ok());
  const grpc::Status refused = Delete(server, info.sha256());
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(refused.error_message(), HasSubstr("that of run 2, which is queued"));
  v1::CancelRunRequest cancel;
  cancel.set_id(endless.id());
  ASSERT_TRUE(With([&](auto& context) { return server->runs->CancelRun(&context, cancel, &endless); }).ok());
  ASSERT_EQ(server.AwaitEnd(run.id()).state(), v1::Run::SUCCEEDED);
  EXPECT_TRUE(Delete(server, info.sha256()).ok());
  v1::GetRunRequest get;
  get.set_id(run.id());
  ASSERT_TRUE(With([&](auto& context) { return server->runs->GetRun(&context, get, &run); }).ok());
  EXPECT_EQ(run.result().exact().operations(), 2u) << "its result stays";
  EXPECT_EQ(With([&](auto& context) { return server->runs->SubmitRun(&context, request, &run); }).error_code(),
            grpc::StatusCode::NOT_FOUND);
}

// The first file leaves a size out, which is noted; the second is sound.
TEST(Traces, OfTwoFilesWithTheSameOperationsEachRunHasItsOwnNameAndNotes) {
  TestServer server([](ServerOptions& options) { options.run_threads = 1; });
  v1::Run endless, odd, sound;
  ASSERT_TRUE(With([&](auto& context) { return server->runs->SubmitRun(&context, EndlessRun(), &endless); }).ok());
  v1::TraceInfo info;
  v1::SubmitRunRequest request;
  ASSERT_TRUE(Upload(server, "20000\n2\n4\n1\na 0 16\na 1\nf 0\nf 1\n", info, "odd.rep").ok());
  EXPECT_EQ(info.notes_size(), 1);
  const std::string digest = info.sha256();
  request.mutable_workload()->set_trace_sha256(digest);
  ASSERT_TRUE(With([&](auto& context) { return server->runs->SubmitRun(&context, request, &odd); }).ok());
  info.Clear();
  ASSERT_TRUE(Upload(server, "20000\n2\n4\n1\na 0 16\na 1 16\nf 0\nf 1\n", info, "sound.rep").ok());
  ASSERT_EQ(info.sha256(), digest);
  EXPECT_EQ(info.notes_size(), 0);
  ASSERT_TRUE(With([&](auto& context) { return server->runs->SubmitRun(&context, request, &sound); }).ok());
  ASSERT_EQ(List(server).traces_size(), 1);
  EXPECT_EQ(List(server).traces(0).name(), "sound.rep");
  v1::CancelRunRequest cancel;
  cancel.set_id(endless.id());
  ASSERT_TRUE(With([&](auto& context) { return server->runs->CancelRun(&context, cancel, &endless); }).ok());
  odd = server.AwaitEnd(odd.id());
  sound = server.AwaitEnd(sound.id());
  EXPECT_EQ(odd.label(), "odd.rep");
  ASSERT_EQ(odd.result().exact().trace_notes_size(), 1) << "it was queued when the other file came";
  EXPECT_THAT(odd.result().exact().trace_notes(0), HasSubstr("line 6"));
  EXPECT_EQ(sound.label(), "sound.rep");
  EXPECT_EQ(sound.result().exact().trace_notes_size(), 0);
}

TEST(Traces, RetireOldestFirstWhenAskedTo) {
  const std::size_t room = 3 * TraceText(0).size();
  TestServer server([room](ServerOptions& options) {
    options.trace_store_max = room;
    options.traces_retire = true;
  });
  std::vector<std::string> digests;
  for (int i = 0; i < 5; ++i) {
    v1::TraceInfo info;
    const grpc::Status status = Upload(server, TraceText(i), info);
    ASSERT_TRUE(status.ok()) << status.error_message();
    digests.push_back(info.sha256());
  }
  const v1::ListTracesResponse list = List(server);
  ASSERT_EQ(list.traces_size(), 3);
  EXPECT_EQ(list.traces(0).sha256(), digests[4]);
  EXPECT_EQ(list.traces(2).sha256(), digests[2]);
  v1::TraceInfo info;
  EXPECT_EQ(Upload(server, TraceText(0, 10), info).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(List(server).traces_size(), 3) << "nothing is given up for what never fits";
}

TEST(Retention, OldRunsMakeRoomWhenAskedTo) {
  TestServer server([](ServerOptions& options) {
    options.stored_runs_max = 3;
    options.runs_retire = true;
  });
  for (int i = 0; i < 5; ++i) server.RunToEnd(SmallRun(100));
  v1::ListRunsResponse list;
  ASSERT_TRUE(With([&](auto& context) { return server->runs->ListRuns(&context, v1::ListRunsRequest(), &list); }).ok());
  ASSERT_EQ(list.runs_size(), 3);
  EXPECT_EQ(list.runs(0).id(), 5u);
  EXPECT_EQ(list.runs(2).id(), 3u);
}

TEST(Retention, RunsThatEndedLongAgoGoWithTheNext) {
  TestServer server([](ServerOptions& options) { options.runs_age = absl::Nanoseconds(1); });
  for (int i = 0; i < 3; ++i) server.RunToEnd(SmallRun(100));
  v1::ListRunsResponse list;
  ASSERT_TRUE(With([&](auto& context) { return server->runs->ListRuns(&context, v1::ListRunsRequest(), &list); }).ok());
  ASSERT_EQ(list.runs_size(), 1);
  EXPECT_EQ(list.runs(0).id(), 3u);
}

}  // namespace
}  // namespace alloclab::server
