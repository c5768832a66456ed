// Faults of the disk, for tests: the calls that write to files are counted, and the k-th fails once, or the process is killed
// there.
//
// faults.cc defines write, pwrite, fsync, fdatasync, ftruncate, posix_fallocate, open and sendmsg over those of
// the C library. Linked into a test it is driven by the functions below; as a library given to LD_PRELOAD, by variables:
//
//   ALLOCLAB_FAULT_DIR     only files below this directory count
//   ALLOCLAB_FAULT_KILL    POINT:K: the process kills itself at the K-th POINT; one of before_write, after_write, before_sync,
//                          after_sync, before_reply, after_reply (a reply is a sendmsg on a socket)
//   ALLOCLAB_FAULT_ARM     a file: nothing counts before it exists
#ifndef ALLOCLAB_SERVER_TESTING_FAULTS_H_
#define ALLOCLAB_SERVER_TESTING_FAULTS_H_

#include <cstdint>

namespace alloclab::faults {

// From here on, calls on files below `directory` count, and the `k`-th (from 1; 0: none) fails with `error`.
void Arm(const char* directory, std::uint64_t k, int error);
// Nothing fails any more. How many calls were counted.
std::uint64_t Disarm();
// Until Disarm, every call that needs room on the disk fails with ENOSPC while the file `while_exists` is there: the disk is
// full, but for what that file holds.
void FillDisk(const char* directory, const char* while_exists);

}  // namespace alloclab::faults

#endif  // ALLOCLAB_SERVER_TESTING_FAULTS_H_
