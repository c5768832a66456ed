#include "server/server/server_card.h"

#include <fmt/format.h>

#include <utility>

#include "allocators/common/cost_model.h"
#include "server/converters/time_converter.h"
#include "server/http/bind_address.h"
#include "server/version.h"

namespace alloclab::server {
namespace {

// As a browser on this host finds it.
std::string UrlOf(const std::string& bound, bool by_tls, std::string_view path) {
  const absl::StatusOr<BindAddress> address = ParseBindAddress(bound);
  return address.ok() ? fmt::format("{}://{}{}", by_tls ? "https" : "http", ToString(SeenFromThisHost(*address)), path) : "";
}

}  // namespace

void ServerCard::SetAddresses(ServerAddresses addresses) {
  const MutexLock lock(mutex_);
  addresses_ = std::move(addresses);
}

ServerAddresses ServerCard::addresses() const {
  const MutexLock lock(mutex_);
  return addresses_;
}

v1::Server ServerCard::Describe() const {
  const ServerAddresses bound = addresses();
  v1::Server proto;
  proto.set_version(std::string(Version()));
  proto.set_commit(std::string(Commit()));
  proto.set_build(std::string(Build()));
  proto.set_cost_model(std::string(kCostModelName));
  *proto.mutable_start_time() = ToProto(start_time_);
  proto.set_instances(instances_.size());
  proto.set_instances_max(instances_.instances_max());
  proto.set_store_trouble(store_.trouble());
  proto.set_web_url(bound.page.empty() ? UrlOf(bound.web, bound.by_tls, "/") : bound.page);
  proto.set_metrics_url(UrlOf(bound.metrics, bound.by_tls, "/metrics"));
  return proto;
}

}  // namespace alloclab::server
