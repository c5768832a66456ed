// Tokens against a real server: every method of every service, for every role.
#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <functional>
#include <iterator>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "alloclab/v1/guest.grpc.pb.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "server/access/rpc_roles.h"
#include "server/access/token_file.h"
#include "server/testing/eventually.h"
#include "server/testing/test_server.h"

namespace alloclab::server {
namespace {

using ::testing::HasSubstr;

constexpr char kServer[] = "/alloclab.v1.Lab/GetServer";
constexpr std::uint64_t kStoredBytesOfOne = 8192;

class Roles : public testing::Test {
 protected:
  // What shows a new token of that role.
  std::string Make(const std::string& data_dir, const std::string& name, Role role,
                   absl::Time expires = absl::InfiniteFuture()) {
    data_dir_ = data_dir;
    const auto secret =
        CreateToken(data_dir, {.name = name, .role = role, .created = absl::Now(), .expires = expires, .digest = {}});
    EXPECT_TRUE(secret.ok()) << secret.status();
    return "Bearer " + secret.value_or("");
  }

  // What comes of a call with an empty request; OK as soon as it is answered.
  grpc::Status Call(const std::string& method, const std::string& authorization) {
    grpc::TemplatedGenericStub<grpc::ByteBuffer, grpc::ByteBuffer> stub(server_.stubs().channel);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    if (!authorization.empty()) context.AddMetadata("authorization", authorization);
    grpc::CompletionQueue queue;
    const auto next = [&queue] {
      void* tag = nullptr;
      bool ok = false;
      return queue.Next(&tag, &ok) && ok;
    };
    const auto call = stub.PrepareCall(&context, method, &queue);
    call->StartCall(nullptr);
    next();
    grpc::Slice nothing("");
    call->WriteLast(grpc::ByteBuffer(&nothing, 1), grpc::WriteOptions(), nullptr);
    next();
    grpc::ByteBuffer received;
    call->Read(&received, nullptr);
    const bool answered = next();
    if (answered) context.TryCancel();
    grpc::Status status;
    call->Finish(&status, nullptr);
    next();
    return answered ? grpc::Status() : status;
  }
  static bool IsLetIn(const grpc::Status& status) {
    return status.error_code() != grpc::StatusCode::UNAUTHENTICATED &&
           status.error_code() != grpc::StatusCode::PERMISSION_DENIED &&
           status.error_code() != grpc::StatusCode::RESOURCE_EXHAUSTED;
  }

  std::string data_dir_, viewer_, user_, admin_, expired_;
  TestServer server_{[this](ServerOptions& options) {
    viewer_ = Make(options.data_dir, "vic", Role::kViewer);
    user_ = Make(options.data_dir, "uma", Role::kUser);
    admin_ = Make(options.data_dir, "ada", Role::kAdmin);
    options.owner_stored_bytes_max = kStoredBytesOfOne;
    expired_ = Make(options.data_dir, "eve", Role::kAdmin, absl::Now() - absl::Seconds(5));
  }};
};

// A new method without a row fails here.
TEST(RpcRoles, EveryMethodHasOneAndThereAreNoOthers) {
  const TestServer server;
  std::set<std::string> methods, rows;
  for (const char* name : {"alloclab.v1.Heap", "alloclab.v1.Inspect", "alloclab.v1.Lab", "alloclab.v1.Runs",
                           "alloclab.v1.Guests", "alloclab.v1.TimeTravel", "alloclab.v1.Workloads", "grpc.health.v1.Health",
                           "grpc.reflection.v1alpha.ServerReflection"}) {  // all of them: reflection_test.cc
    const auto* service = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(name);
    ASSERT_NE(service, nullptr) << name;
    for (int i = 0; i < service->method_count(); ++i)
      methods.insert("/" + service->full_name() + "/" + service->method(i)->name());
  }
  for (const RpcRole& row : RpcRoles()) EXPECT_TRUE(rows.insert(std::string(row.method)).second) << row.method;
  EXPECT_EQ(rows, methods);
  EXPECT_EQ(FindRpcRole("/alloclab.v1.Lab/NoSuch"), nullptr);
}

TEST_F(Roles, EveryMethodAsksForItsRole) {
  for (const RpcRole& row : RpcRoles()) {
    const std::string method(row.method);
    if (!row.least) {
      EXPECT_TRUE(IsLetIn(Call(method, ""))) << method;
      continue;
    }
    EXPECT_EQ(Call(method, "").error_code(), grpc::StatusCode::UNAUTHENTICATED) << method;
    EXPECT_EQ(Call(method, expired_).error_code(), grpc::StatusCode::UNAUTHENTICATED) << method;
    int role = 0;
    for (const std::string& header : {viewer_, user_, admin_}) {
      const grpc::Status status = Call(method, header);
      if (role < static_cast<int>(*row.least)) {
        EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED) << method << " " << role;
      } else {
        EXPECT_TRUE(IsLetIn(status)) << method << " " << role << ": " << status.error_message();
      }
      ++role;
    }
  }
}

TEST_F(Roles, RefusalsSayWhatToDo) {
  EXPECT_THAT(Call(kServer, "").error_message(),
              AllOf(HasSubstr("lets in only those who show a token"), HasSubstr("ALLOCLAB_TOKEN or --token-file")));
  EXPECT_THAT(Call(kServer, "Bearer no").error_message(), HasSubstr("is none of this lab, or was revoked"));
  EXPECT_THAT(Call(kServer, expired_).error_message(), HasSubstr("token eve has expired"));
  EXPECT_EQ(Call("/alloclab.v1.Workloads/DeleteTrace", viewer_).error_message(),
            "token vic is of role viewer; /alloclab.v1.Workloads/DeleteTrace is for role user or above");
  // What there is not is for nobody, and only an admin is told so.
  EXPECT_EQ(Call("/alloclab.v1.Lab/NoSuch", user_).error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(Call("/alloclab.v1.Lab/NoSuch", admin_).error_code(), grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(Roles, TokensAreTakenUpAndTakenBackWhileItServes) {
  const std::string late = Make(data_dir_, "lea", Role::kViewer);
  EXPECT_TRUE(Eventually([&] { return Call(kServer, late).ok(); }));
  ASSERT_TRUE(RevokeToken(data_dir_, "lea").ok());
  EXPECT_TRUE(Eventually([&] { return Call(kServer, late).error_code() == grpc::StatusCode::UNAUTHENTICATED; }));
  EXPECT_TRUE(Call(kServer, viewer_).ok());
}

TEST_F(Roles, WhatIsAnothersMayBeLookedAtButNotChanged) {
  const std::string other = Make(data_dir_, "bob", Role::kUser);
  ASSERT_TRUE(Eventually([&] { return Call(kServer, other).ok(); }));
  const auto as = [](const std::string& header, const auto& call) {
    grpc::ClientContext context;
    context.AddMetadata("authorization", header);
    return call(context);
  };
  v1::CreateInstanceRequest create;
  create.set_name("toy");
  v1::Instance toy;
  ASSERT_TRUE(as(user_, [&](auto& context) { return server_->lab->CreateInstance(&context, create, &toy); }).ok());
  EXPECT_EQ(toy.owner(), "uma");
  v1::Run run;
  ASSERT_TRUE(as(user_, [&](auto& context) { return server_->runs->SubmitRun(&context, SmallRun(), &run); }).ok());
  EXPECT_EQ(run.owner(), "uma");

  v1::GetInstanceRequest get;
  get.set_instance("toy");
  v1::Instance seen;
  EXPECT_TRUE(as(other, [&](auto& context) { return server_->lab->GetInstance(&context, get, &seen); }).ok());
  const auto malloc = [&](auto& context) {
    v1::MallocRequest request;
    request.set_instance("toy");
    request.set_bytes(16);
    v1::OperationReply reply;
    return server_->heap->Malloc(&context, request, &reply);
  };
  const auto apply = [&](auto& context) {
    v1::BatchReply reply;
    return server_->heap->Apply(&context, BatchBuilder("toy").Add(v1::MALLOC, 0, 16).batch(), &reply);
  };
  const auto stream = [&](auto& context) {
    const auto call = server_->heap->Stream(&context);
    call->Write(BatchBuilder("toy").Add(v1::MALLOC, 1, 16).batch());
    call->WritesDone();
    v1::BatchReply reply;
    while (call->Read(&reply)) {
    }
    return call->Finish();
  };
  const auto remove = [&](auto& context) {
    v1::DeleteInstanceRequest request;
    request.set_instance("toy");
    v1::DeleteInstanceResponse reply;
    return server_->lab->DeleteInstance(&context, request, &reply);
  };
  const auto cancel = [&](auto& context) {
    v1::CancelRunRequest request;
    request.set_id(run.id());
    v1::Run reply;
    return server_->runs->CancelRun(&context, request, &reply);
  };
  const auto update_run = [&](auto& context) {
    v1::UpdateRunRequest request;
    request.set_id(run.id());
    request.set_label("mine");
    request.set_pinned(true);
    v1::Run reply;
    return server_->runs->UpdateRun(&context, request, &reply);
  };
  const auto remove_run = [&](auto& context) {
    v1::DeleteRunRequest request;
    request.set_id(run.id());
    v1::DeleteRunResponse reply;
    return server_->runs->DeleteRun(&context, request, &reply);
  };
  const auto impersonate = [&](auto& context) {
    v1::SubmitRunRequest request = SmallRun();
    request.set_owner("uma");
    v1::Run reply;
    return server_->runs->SubmitRun(&context, request, &reply);
  };
  const std::vector<std::function<grpc::Status(grpc::ClientContext&)>> changes = {malloc,     apply,  stream,     cancel,
                                                                                  update_run, remove, remove_run, impersonate};
  for (std::size_t i = 0; i < changes.size(); ++i) {
    EXPECT_EQ(as(other, changes[i]).error_code(), grpc::StatusCode::PERMISSION_DENIED) << i;
  }
  EXPECT_EQ(as(other, remove).error_message(), "instance \"toy\" belongs to uma: only uma and admins may change it, not bob");
  EXPECT_TRUE(as(other, [&](auto& context) { return server_->lab->GetInstance(&context, get, &seen); }).ok());
  EXPECT_EQ(seen.operations(), 0u) << "nothing was changed";
  for (std::size_t i = 0; i < changes.size(); ++i) EXPECT_TRUE(as(i < 5 ? user_ : admin_, changes[i]).ok()) << i;
}

TEST_F(Roles, WhatIsUploadedBelongsToWhoWasFirst) {
  const std::string other = Make(data_dir_, "bob", Role::kUser);
  ASSERT_TRUE(Eventually([&] { return Call(kServer, other).ok(); }));
  const auto upload = [&](const std::string& header, const std::string& name, const std::string& file) {
    grpc::ClientContext context;
    context.AddMetadata("authorization", header);
    v1::TraceInfo info;
    const auto writer = server_->workloads->UploadTrace(&context, &info);
    v1::UploadTraceRequest chunk;
    chunk.set_name(name);
    chunk.set_data(file);
    writer->Write(chunk);
    writer->WritesDone();
    const grpc::Status status = writer->Finish();
    return std::pair{status, info.sha256()};
  };
  const auto only = [&] {
    grpc::ClientContext context;
    context.AddMetadata("authorization", viewer_);
    v1::ListTracesResponse list;
    EXPECT_TRUE(server_->workloads->ListTraces(&context, {}, &list).ok());
    EXPECT_EQ(list.traces_size(), 1);
    return list.traces_size() == 1 ? list.traces(0) : v1::TraceInfo();
  };
  const auto remove = [&](const std::string& header, const std::string& sha256) {
    grpc::ClientContext context;
    context.AddMetadata("authorization", header);
    v1::DeleteTraceRequest request;
    request.set_sha256(sha256);
    v1::DeleteTraceResponse reply;
    return server_->workloads->DeleteTrace(&context, request, &reply);
  };
  const std::string small = "20\n2\n4\n1\na 0 16\na 1 32\nf 0\nf 1\n";
  const auto [first, sha256] = upload(user_, "umas.rep", small);
  ASSERT_TRUE(first.ok()) << first.error_message();
  const auto [second, same] = upload(other, "bobs.rep", small);
  ASSERT_TRUE(second.ok()) << second.error_message();
  EXPECT_EQ(same, sha256);
  EXPECT_EQ(only().owner(), "uma");
  EXPECT_EQ(only().name(), "umas.rep") << "the first owner's stays";
  ASSERT_TRUE(upload(user_, "again.rep", small).first.ok());
  EXPECT_EQ(only().name(), "again.rep");
  const grpc::Status refused = remove(other, sha256);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(refused.error_message(), "trace " + sha256 + " belongs to uma: only uma and admins may change it, not bob");
  EXPECT_EQ(remove(viewer_, sha256).error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(only().owner(), "uma");
  EXPECT_TRUE(remove(user_, sha256).ok());
  EXPECT_EQ(remove(user_, sha256).error_code(), grpc::StatusCode::NOT_FOUND);
  ASSERT_TRUE(upload(other, "bobs.rep", small).first.ok());
  EXPECT_EQ(only().owner(), "bob");
  EXPECT_TRUE(remove(admin_, sha256).ok());

  const std::string large = small + std::string(kStoredBytesOfOne, '\n');
  const grpc::Status full = upload(other, "large.rep", large).first;
  EXPECT_EQ(full.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(full.error_message(), AllOf(HasSubstr("bob has 0 bytes"), HasSubstr("--owner-stored-bytes-max")));
}

TEST_F(Roles, ProgramsBelongToWhoWasFirstToo) {
  const std::string other = Make(data_dir_, "bob", Role::kUser);
  ASSERT_TRUE(Eventually([&] { return Call(kServer, other).ok(); }));
  const auto guests = v1::Guests::NewStub(server_.stubs().channel);
  const auto upload = [&](const std::string& header, const std::string& name, const std::string& program, v1::Guest& guest) {
    grpc::ClientContext context;
    context.AddMetadata("authorization", header);
    const auto writer = guests->UploadGuest(&context, &guest);
    v1::UploadGuestRequest chunk;
    chunk.set_name(name);
    std::ifstream file(ALLOCLAB_SOURCE_DIR "/allocators/guest/testdata/programs/" + program, std::ios::binary);
    chunk.set_data(std::string(std::istreambuf_iterator<char>(file), {}));
    writer->Write(chunk);
    writer->WritesDone();
    return writer->Finish();
  };
  const auto remove = [&](const std::string& header, const std::string& name) {
    grpc::ClientContext context;
    context.AddMetadata("authorization", header);
    v1::DeleteGuestRequest request;
    request.set_name(name);
    v1::DeleteGuestResponse reply;
    return guests->DeleteGuest(&context, request, &reply);
  };
  v1::Guest first, again;
  ASSERT_TRUE(upload(user_, "umas.elf", "buddy_pages.elf", first).ok());
  EXPECT_EQ(first.owner(), "uma");
  ASSERT_TRUE(upload(other, "bobs.elf", "buddy_pages.elf", again).ok());
  EXPECT_EQ(again.name(), first.name()) << "the first owner's stays";
  EXPECT_EQ(again.owner(), "uma");
  const grpc::Status refused = remove(other, first.name());
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_THAT(refused.error_message(), HasSubstr("belongs to uma: only uma and admins may change it, not bob"));
  v1::Guest large;
  const grpc::Status full = upload(user_, "large.elf", "explicit_list.elf", large);
  EXPECT_EQ(full.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(full.error_message(), HasSubstr("uma has " + std::to_string(first.bytes()) + " bytes"));
  EXPECT_TRUE(remove(admin_, first.name()).ok());
  EXPECT_EQ(remove(user_, first.name()).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(Roles, TwoTokensInOneCallAreNone) {
  for (const auto& [one, other] :
       {std::pair{admin_, std::string("Bearer no")}, {"Bearer no", admin_}, {admin_, admin_}, {"", admin_}, {admin_, ""}}) {
    grpc::ClientContext context;
    context.AddMetadata("authorization", one);
    context.AddMetadata("authorization", other);
    v1::Server answer;
    EXPECT_EQ(server_->lab->GetServer(&context, v1::GetServerRequest(), &answer).error_code(),
              grpc::StatusCode::UNAUTHENTICATED);
  }
}

TEST_F(Roles, AFloodOfWrongTokensDoesNotHoldUpARightOne) {
  std::atomic<bool> over{false};
  std::atomic<int> wrong{0}, turned_away{0}, let_in{0};
  std::vector<std::thread> flood;
  for (int i = 0; i < 3; ++i) {
    flood.emplace_back([&] {
      const Stubs stubs(server_.server().grpc_address());
      while (!over) {
        grpc::ClientContext context;
        context.AddMetadata("authorization", "Bearer alloclab_wrong");
        v1::Server answer;
        const grpc::Status status = stubs.lab->GetServer(&context, v1::GetServerRequest(), &answer);
        ++wrong;
        if (status.ok()) ++let_in;
        if (status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED) ++turned_away;
      }
    });
  }
  EXPECT_TRUE(Eventually([&] { return turned_away > 100; }));
  for (int i = 0; i < 200; ++i) EXPECT_TRUE(Call(kServer, viewer_).ok());
  over = true;
  for (std::thread& thread : flood) thread.join();
  EXPECT_EQ(let_in, 0);
  EXPECT_GT(turned_away, wrong / 2);
}

TEST(Tokens, TheFirstOneClosesALabThatServes) {
  std::string data_dir;
  TestServer server([&](ServerOptions& options) { data_dir = options.data_dir; });
  const auto code = [&] {
    v1::Server answer;
    return With([&](auto& context) { return server->lab->GetServer(&context, v1::GetServerRequest(), &answer); }).error_code();
  };
  EXPECT_EQ(code(), grpc::StatusCode::OK);
  ASSERT_TRUE(CreateToken(data_dir, {.name = "ada", .role = Role::kAdmin, .created = absl::Now(), .digest = {}}).ok());
  EXPECT_TRUE(Eventually([&] { return code() == grpc::StatusCode::UNAUTHENTICATED; }));
}

}  // namespace
}  // namespace alloclab::server
