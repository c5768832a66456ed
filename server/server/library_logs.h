// The complaints of gRPC and protocol buffers, as log lines like ours. A caller must not be able to fill the log: what hostile
// bytes provoke is told at level debug only.
#ifndef ALLOCLAB_SERVER_SERVER_LIBRARY_LOGS_H_
#define ALLOCLAB_SERVER_SERVER_LIBRARY_LOGS_H_

namespace alloclab::server {

// Once, before the libraries are used.
void RouteLibraryLogs();

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_SERVER_LIBRARY_LOGS_H_
