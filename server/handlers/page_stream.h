// A server stream of messages that are made one by one: made on a queue's threads, one write in flight, and none for longer
// than a client that takes data needs (WriteWatch).
#ifndef ALLOCLAB_SERVER_HANDLERS_PAGE_STREAM_H_
#define ALLOCLAB_SERVER_HANDLERS_PAGE_STREAM_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <functional>
#include <utility>

#include "absl/status/statusor.h"
#include "allocators/common/check.h"
#include "allocators/common/interrupt.h"
#include "server/errors.h"
#include "server/handlers/grpc_status.h"
#include "server/handlers/open_calls.h"
#include "server/handlers/write_watch.h"
#include "server/http/call_queue.h"

namespace alloclab::server {

// Makes the next message, as long as it is not interrupted; false when it is the last.
template <class Page>
using NextPage = std::function<absl::StatusOr<bool>(Page& page, const Interrupt& left)>;

// What the streams of a server share; all outlive them.
struct StreamHosts {
  CallQueue& pieces;  // takes whatever comes
  WriteWatch& writes;
  OpenCalls& calls;
};

template <class Page>
class PageStream final : public grpc::ServerWriteReactor<Page> {
 public:
  // Deletes itself when the call is done. `owner`: of OpenCalls::Client, or why the call ends at once; `when_full`: there are
  // too many such calls.
  PageStream(grpc::CallbackServerContext& context, const StreamHosts& hosts, const absl::StatusOr<std::string>& owner,
             const absl::Status& when_full, NextPage<Page> next)
      : pieces_(hosts.pieces),
        calls_(hosts.calls),
        owner_{.name = owner.value_or("")},
        next_(std::move(next)),
        write_(hosts.writes, [&context] { context.TryCancel(); }) {
    absl::Status status = owner.status();
    if (status.ok())
      status = calls_.Admit(this, {context.peer(), *owner}, when_full, [this](const absl::Status&) { draining_ = true; });
    if (status.ok()) {
      Post();
    } else {
      this->Finish(ToGrpcStatus(status));
    }
  }

  void OnWriteDone(bool ok) override {
    write_.Ended();
    if (ok) {
      Post();
    } else {
      this->Finish(ToGrpcStatus(errors::CallCancelled()));
    }
  }
  void OnCancel() override { cancelled_ = true; }
  void OnDone() override {
    calls_.Leave(this);
    delete this;
  }

 private:
  void Post() {
    ALLOCLAB_CHECK(pieces_.Offer(owner_, [this] { Make(); }));
  }
  absl::StatusOr<bool> MakePage() {
    if (draining_) return errors::Draining();
    if (cancelled_) return errors::CallCancelled();
    return next_(page_, [this] { return cancelled_.load(std::memory_order_relaxed); });
  }
  void Make() {
    page_.Clear();
    const absl::StatusOr<bool> more = MakePage();
    if (!more.ok()) {
      this->Finish(ToGrpcStatus(more.status()));
    } else if (*more) {
      write_.Began();
      this->StartWrite(&page_);
    } else {
      write_.Began();
      this->StartWriteAndFinish(&page_, {}, grpc::Status::OK);
    }
  }

  CallQueue& pieces_;
  OpenCalls& calls_;
  const CallQueue::Client owner_;
  const NextPage<Page> next_;
  std::atomic<bool> cancelled_{false}, draining_{false};
  Page page_;
  WriteWatch::Call write_;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HANDLERS_PAGE_STREAM_H_
