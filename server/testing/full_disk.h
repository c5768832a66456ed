// A disk that fills up.
#ifndef ALLOCLAB_SERVER_TESTING_FULL_DISK_H_
#define ALLOCLAB_SERVER_TESTING_FULL_DISK_H_

#include <signal.h>
#include <sys/resource.h>

namespace alloclab::server {

// Files of this process may not grow beyond `bytes` while the object lives: the disk is full.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) {
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FullDisk() { setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_TESTING_FULL_DISK_H_
