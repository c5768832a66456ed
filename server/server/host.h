// What the host gives to this process: memory and descriptors.
#ifndef ALLOCLAB_SERVER_SERVER_HOST_H_
#define ALLOCLAB_SERVER_SERVER_HOST_H_

#include <cstdint>
#include <filesystem>

namespace alloclab::server {

// Bytes of memory that this process may use: the least of the host's and the limits of its control groups, version 1 or 2.
// `root` is "/", except in tests.
std::uint64_t MemoryBytes(const std::filesystem::path& root = "/");

// Of so much memory, what instances and runs may hold, if nobody says otherwise: what the server itself may need stays free,
// but they get a quarter at least and three quarters at most.
std::uint64_t HeldBytesDefault(std::uint64_t memory_bytes);

// Raises the soft limit of open descriptors to the hard one, as a connection is a descriptor. Returns what it is then.
std::uint64_t RaiseDescriptorLimit();

// How many descriptors this process may have open.
std::uint64_t DescriptorLimit();

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_SERVER_HOST_H_
