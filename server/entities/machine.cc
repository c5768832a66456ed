#include "server/entities/machine.h"

#include <fmt/format.h>

#include <string>

#include "allocators/common/monotonic_time.h"
#include "allocators/common/printable.h"
#include "allocators/guest/guest_patience.h"
#include "server/entities/native_allocator.h"
#include "server/errors.h"
#include "server/guest_limits.h"

namespace alloclab::server {

absl::StatusOr<std::unique_ptr<Instance>> BuildMachine(const InstanceConfig& config) {
  if (IsNative(config)) {
    return errors::BadField("config.heap_allocator",
                            fmt::format("{} is a real allocator, for runs alone; an instance needs a simulated one",
                                        Printable(config.heap_allocator)));
  }
  const MonotonicTime until = MonotonicTime::Now() + kGuestCreationMax;
  const GuestPatience patience([until] { return MonotonicTime::Now() >= until; });
  absl::StatusOr<std::unique_ptr<Instance>> machine = Instance::Create(config);
  if (absl::IsResourceExhausted(machine.status())) {
    return errors::BadField("config.ram_bytes", std::string(machine.status().message()));
  }
  return machine;
}

}  // namespace alloclab::server
