// Answers unary calls so that none of them holds a thread of its own: at once on gRPC's thread, or from a queue (call_queue.h).
//
// The calls are raw methods of gRPC. Of others, gRPC 1.51 answers bytes that are no message with UNIMPLEMENTED, and it reads
// the message before it can be known that there is no room for the call.
#ifndef ALLOCLAB_SERVER_HANDLERS_ANSWER_H_
#define ALLOCLAB_SERVER_HANDLERS_ANSWER_H_

#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <utility>

#include "server/errors.h"
#include "server/handlers/callers.h"
#include "server/handlers/grpc_status.h"
#include "server/http/call_queue.h"

namespace alloclab::server {

// What gRPC hands over; all of it stays until the call is finished.
struct RawCall {
  grpc::CallbackServerContext& context;
  const grpc::ByteBuffer& request;
  grpc::ByteBuffer& reply;
};

// The status of `work`, which gets the request within its bounds and fills the reply in. INTERNAL, as gRPC says it: no such
// message.
template <class Request, class Reply, class Work>
grpc::Status AnswerTo(const RawCall& call, const Work& work) {
  if (call.context.IsCancelled()) return ToGrpcStatus(errors::CallCancelled());
  Request request;
  grpc::ByteBuffer bytes = call.request;  // another name for the same bytes: reading empties it
  if (grpc::Status bad = grpc::SerializationTraits<Request>::Deserialize(&bytes, &request); !bad.ok()) return bad;
  if (grpc::Status bad = CheckRequest(request); !bad.ok()) return bad;
  Reply reply;
  if (grpc::Status bad = work(request, reply); !bad.ok()) return bad;
  bool own_buffer = false;
  return grpc::SerializationTraits<Reply>::Serialize(reply, &call.reply, &own_buffer);
}

// One of which nothing is said, until its connection is closed.
class Unanswered final : public grpc::ServerUnaryReactor {
 private:
  void OnCancel() override { Finish(grpc::Status::CANCELLED); }
  void OnDone() override { delete this; }
};

// RESOURCE_EXHAUSTED at once if too many wait, or the caller has too many connections.
template <class Request, class Reply, class Work>
grpc::ServerUnaryReactor* Answer(CallQueue& calls, const Callers& callers, const RawCall& call, Work work) {
  absl::StatusOr<CallQueue::Client> client = callers.Begin(call.context);
  if (absl::IsCancelled(client.status())) return new Unanswered();
  grpc::ServerUnaryReactor* const reactor = call.context.DefaultReactor();
  if (!client.ok()) {
    reactor->Finish(ToGrpcStatus(client.status()));
    return reactor;
  }
  grpc::Status status;
  if (!client->asks_much && calls.DoNow([&] { status = AnswerTo<Request, Reply>(call, work); })) {
    reactor->Finish(std::move(status));
    return reactor;
  }
  if (client->name.empty()) client->name = call.context.peer();
  const bool taken =
      calls.Offer(*client, [reactor, call, work = std::move(work)] { reactor->Finish(AnswerTo<Request, Reply>(call, work)); });
  if (!taken) reactor->Finish(ToGrpcStatus(errors::TooManyCalls(calls.rules().waiting_max)));
  return reactor;
}

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HANDLERS_ANSWER_H_
