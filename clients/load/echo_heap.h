// A data plane without an allocator behind it: answers each batch at once. What the benchmark compares the real server with,
// and what tests make misbehave.
#ifndef ALLOCLAB_CLIENTS_LOAD_ECHO_HEAP_H_
#define ALLOCLAB_CLIENTS_LOAD_ECHO_HEAP_H_

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <string>

#include "alloclab/v1/heap.grpc.pb.h"

namespace alloclab::load {

enum class EchoAction { kAnswer, kStaySilent, kEndStream };

// Fills the reply, whose sequence and number of operations are set already, and says what to do with it.
using EchoScript = std::function<EchoAction(const v1::Batch&, v1::BatchReply&)>;

class EchoHeap {
 public:
  explicit EchoHeap(EchoScript script = [](const v1::Batch&, v1::BatchReply&) { return EchoAction::kAnswer; });
  ~EchoHeap();  // ends open streams

  const std::string& address() const { return address_; }  // 127.0.0.1:PORT

 private:
  class Service;

  std::unique_ptr<Service> service_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

}  // namespace alloclab::load

#endif  // ALLOCLAB_CLIENTS_LOAD_ECHO_HEAP_H_
