// A gRPC service whose unary calls are answered as answer.h has it, by methods of the service that know nothing of that.
#ifndef ALLOCLAB_SERVER_HANDLERS_QUEUED_SERVICE_H_
#define ALLOCLAB_SERVER_HANDLERS_QUEUED_SERVICE_H_

#include <google/protobuf/descriptor.h>
#include <grpcpp/support/server_callback.h>

#include <string>

#include "allocators/common/check.h"
#include "allocators/common/interrupt.h"
#include "server/handlers/answer.h"
#include "server/handlers/callers.h"
#include "server/http/call_queue.h"

namespace alloclab::server {

using Caller = grpc::CallbackServerContext;

// Work for a caller is left when he gave up or his deadline passed.
inline Interrupt LeftBy(const Caller& caller) {
  return [&caller] { return caller.IsCancelled(); };
}

// `Api` is the generated class, such as v1::Lab; `Base` its Service, with callbacks for the streams.
template <class Api, class Base = typename Api::Service>
class QueuedService : public Base {
 protected:
  // `callers` outlives the service.
  explicit QueuedService(const Callers& callers) : callers_(callers) {}

  // Calls of the unary method of that name go through the queue to `work`. REQUIRES: there is one, of these messages.
  template <class Service, class Request, class Reply>
  void Queue(CallQueue& calls, const std::string& name, grpc::Status (Service::*work)(const Caller&, const Request&, Reply&)) {
    const auto* service = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(Api::service_full_name());
    const auto* method = service->FindMethodByName(name);
    ALLOCLAB_CHECK(method != nullptr && !method->client_streaming() && !method->server_streaming());
    ALLOCLAB_CHECK(method->input_type() == Request::descriptor() && method->output_type() == Reply::descriptor());
    this->MarkMethodRawCallback(
        method->index(),
        new grpc::internal::CallbackUnaryHandler<grpc::ByteBuffer, grpc::ByteBuffer>(
            [this, &calls, work](grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes, grpc::ByteBuffer* out) {
              return Answer<Request, Reply>(calls, callers_, {*context, *bytes, *out},
                                            [this, work, context](const Request& request, Reply& reply) {
                                              return (static_cast<Service*>(this)->*work)(*context, request, reply);
                                            });
            }));
  }

  const Callers& callers_;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HANDLERS_QUEUED_SERVICE_H_
