// A real server in this process, on free ports and a directory of its own, with real stubs.
#ifndef ALLOCLAB_SERVER_TESTING_TEST_SERVER_H_
#define ALLOCLAB_SERVER_TESTING_TEST_SERVER_H_

#include <grpcpp/create_channel.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "alloclab/v1/heap.grpc.pb.h"
#include "alloclab/v1/inspect.grpc.pb.h"
#include "alloclab/v1/lab.grpc.pb.h"
#include "alloclab/v1/run.grpc.pb.h"
#include "alloclab/v1/workload.grpc.pb.h"
#include "server/server/lab_server.h"
#include "server/testing/temporary_directory.h"

namespace alloclab::server {

// Stubs on one channel.
struct Stubs {
  explicit Stubs(const std::string& address);

  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::Lab::Stub> lab;
  std::unique_ptr<v1::Heap::Stub> heap;
  std::unique_ptr<v1::Inspect::Stub> inspect;
  std::unique_ptr<v1::Workloads::Stub> workloads;
  std::unique_ptr<v1::Runs::Stub> runs;
};

// A free port for gRPC; no web page and no metrics.
ServerOptions TestOptions(const std::filesystem::path& data_dir);

class TestServer {
 public:
  TestServer();
  explicit TestServer(const std::function<void(ServerOptions&)>& change);

  // Stops it and starts it again on the same data directory.
  void Restart();

  LabServer& server() { return *server_; }
  Stubs& stubs() { return *stubs_; }
  Stubs* operator->() { return stubs_.get(); }

  // Creates an instance, which must succeed.
  v1::Instance Create(
      const std::string& name, const std::function<void(v1::InstanceConfig&)>& change = [](v1::InstanceConfig&) {});
  // Frees the page frame below a block of an unguarded instance, so that the header in front of it is lost.
  void BreakHeap(const std::string& instance, std::uint32_t block);
  // Submits a run, which must succeed, and waits until it has ended.
  v1::Run RunToEnd(const v1::SubmitRunRequest& request);
  v1::Run AwaitEnd(std::uint64_t id);
  // The body of GET /metrics. REQUIRES: the server has them.
  std::string Scrape();

 private:
  void Start();

  TemporaryDirectory directory_;
  ServerOptions options_;
  std::unique_ptr<LabServer> server_;
  std::unique_ptr<Stubs> stubs_;
};

// `call` with a context of its own and a deadline, so that no test hangs.
template <class Call>
grpc::Status With(Call&& call) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
  return call(context);
}

// Builds batches operation by operation.
class BatchBuilder {
 public:
  explicit BatchBuilder(const std::string& instance) { batch_.set_instance(instance); }
  BatchBuilder& Add(v1::OpKind kind, std::uint32_t block, std::uint32_t size = 0, std::uint32_t extra = 0);
  const v1::Batch& batch() const { return batch_; }

 private:
  v1::Batch batch_;
};

// A run of a specification: `operations` random mallocs and frees of 16 to 256 bytes around 1,000 live blocks.
v1::SubmitRunRequest SmallRun(std::uint64_t operations = 20'000, std::uint64_t seed = 7);
// One that takes minutes: only cancelling ends it. The literal engine walks a heap of many chunks.
v1::SubmitRunRequest EndlessRun();

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_TESTING_TEST_SERVER_H_
