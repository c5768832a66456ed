// What a service manager that started this process wants to be told: systemd, of a unit with Type=notify.
#ifndef ALLOCLAB_SERVER_SERVER_SERVICE_MANAGER_H_
#define ALLOCLAB_SERVER_SERVER_SERVICE_MANAGER_H_

#include <string_view>

namespace alloclab::server {

// Sends `state`, such as "READY=1" (sd_notify(3)), to the socket that NOTIFY_SOCKET names. Without one, or if nobody listens
// there, nothing happens.
void TellServiceManager(std::string_view state);

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_SERVER_SERVICE_MANAGER_H_
