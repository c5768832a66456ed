// A server stream of messages that are made one by one: made on the pool, one write in flight.
#ifndef ALLOCLAB_SERVER_HANDLERS_PAGE_STREAM_H_
#define ALLOCLAB_SERVER_HANDLERS_PAGE_STREAM_H_

#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <functional>
#include <utility>

#include "absl/status/statusor.h"
#include "server/errors.h"
#include "server/handlers/grpc_status.h"
#include "server/handlers/work_pool.h"

namespace alloclab::server {

// Makes the next message; false when it is the last.
template <class Page>
using NextPage = std::function<absl::StatusOr<bool>(Page& page)>;

template <class Page>
class PageStream final : public grpc::ServerWriteReactor<Page> {
 public:
  // Deletes itself when the call is done. `pool` outlives it.
  PageStream(WorkPool& pool, NextPage<Page> next) : pool_(pool), next_(std::move(next)) { Post(); }

  void OnWriteDone(bool ok) override {
    if (ok) {
      Post();
    } else {
      this->Finish(ToGrpcStatus(errors::CallCancelled()));
    }
  }
  void OnCancel() override { cancelled_ = true; }
  void OnDone() override { delete this; }

 private:
  void Post() {
    pool_.Post([this] { Make(); });
  }
  void Make() {
    page_.Clear();
    const absl::StatusOr<bool> more = cancelled_ ? errors::CallCancelled() : next_(page_);
    if (!more.ok()) {
      this->Finish(ToGrpcStatus(more.status()));
    } else if (*more) {
      this->StartWrite(&page_);
    } else {
      this->StartWriteAndFinish(&page_, {}, grpc::Status::OK);
    }
  }

  WorkPool& pool_;
  const NextPage<Page> next_;
  std::atomic<bool> cancelled_{false};
  Page page_;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HANDLERS_PAGE_STREAM_H_
