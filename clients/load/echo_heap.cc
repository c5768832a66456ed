#include "clients/load/echo_heap.h"

#include <chrono>
#include <utility>

namespace alloclab::load {
namespace {

class EchoStream final : public grpc::ServerBidiReactor<v1::Batch, v1::BatchReply> {
 public:
  explicit EchoStream(const EchoScript& script) : script_(script) { StartRead(&batch_); }

  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    reply_.set_sequence(batch_.sequence());
    reply_.set_operations(static_cast<std::uint32_t>(batch_.kinds().size()));
    switch (script_(batch_, reply_)) {
      case EchoAction::kAnswer:
        return StartWrite(&reply_);
      case EchoAction::kStaySilent:
        return StartRead(&batch_);
      case EchoAction::kEndStream:
        return Finish(grpc::Status(grpc::StatusCode::NOT_FOUND, "instance 'x' was deleted"));
    }
  }
  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    StartRead(&batch_);
  }
  void OnDone() override { delete this; }

 private:
  const EchoScript& script_;
  v1::Batch batch_;
  v1::BatchReply reply_;
};

}  // namespace

class EchoHeap::Service final : public v1::Heap::CallbackService {
 public:
  explicit Service(EchoScript script) : script_(std::move(script)) {}
  grpc::ServerBidiReactor<v1::Batch, v1::BatchReply>* Stream(grpc::CallbackServerContext*) override {
    return new EchoStream(script_);
  }

 private:
  const EchoScript script_;
};

EchoHeap::EchoHeap(EchoScript script) : service_(std::make_unique<Service>(std::move(script))) {
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(service_.get());
  server_ = builder.BuildAndStart();
  address_ = "127.0.0.1:" + std::to_string(port);
}

EchoHeap::~EchoHeap() {
  server_->Shutdown(std::chrono::system_clock::now());
  server_->Wait();
}

}  // namespace alloclab::load
