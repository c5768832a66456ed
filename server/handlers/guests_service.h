// Service alloclab.v1.Guests.
#ifndef ALLOCLAB_SERVER_HANDLERS_GUESTS_SERVICE_H_
#define ALLOCLAB_SERVER_HANDLERS_GUESTS_SERVICE_H_

#include "alloclab/v1/guest.grpc.pb.h"
#include "server/collections/guest_library.h"
#include "server/collections/run_executor.h"
#include "server/handlers/callers.h"
#include "server/handlers/open_calls.h"
#include "server/handlers/queued_service.h"

namespace alloclab::server {

class GuestsService final : public QueuedService<v1::Guests> {
 public:
  // All outlive the service.
  GuestsService(GuestLibrary& guests, RunExecutor& runs, const Callers& callers, OpenCalls& uploads, CallQueue& calls);

  grpc::Status UploadGuest(grpc::ServerContext*, grpc::ServerReader<v1::UploadGuestRequest>* reader, v1::Guest* reply) override;

 private:
  grpc::Status DoListGuests(const Caller& caller, const v1::ListGuestsRequest& request, v1::ListGuestsResponse& reply);
  grpc::Status DoGetGuest(const Caller& caller, const v1::GetGuestRequest& request, v1::Guest& reply);
  grpc::Status DoDeleteGuest(const Caller& caller, const v1::DeleteGuestRequest& request, v1::DeleteGuestResponse& reply);

  GuestLibrary& guests_;
  RunExecutor& runs_;
  OpenCalls& uploads_;
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_HANDLERS_GUESTS_SERVICE_H_
