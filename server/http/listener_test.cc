#include "server/http/listener.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <vector>

#include "server/testing/http_client.h"
#include "server/testing/temporary_directory.h"

namespace alloclab::server {
namespace {

using testing::HasSubstr;

int AcceptOne(Listener& listener) {
  std::vector<pollfd> sockets;
  for (const Descriptor& socket : listener.sockets()) sockets.push_back({socket.get(), POLLIN, 0});
  if (poll(sockets.data(), sockets.size(), 60'000) <= 0) return -1;
  for (const pollfd& socket : sockets) {
    if (socket.revents != 0) return listener.Accept(socket.fd);
  }
  return -1;
}

TEST(Listener, TakesAFreePortOnEveryAddressOfTheHost) {
  for (const char* text : {"127.0.0.1:0", "localhost:0", "*:0", "0.0.0.0:0"}) {
    auto listener = Listener::Open("--listen", *ParseBindAddress(text));
    ASSERT_TRUE(listener.ok()) << listener.status();
    EXPECT_NE(listener->address().port, 0);
    const Connection client(ToString(SeenFromThisHost(listener->address())));
    EXPECT_TRUE(client.connected()) << text;
    const Descriptor accepted(AcceptOne(*listener));
    EXPECT_GE(accepted.get(), 0) << text;
  }
}

TEST(Listener, ClosedItRefusesWhoWaitsAndWhoComes) {
  auto listener = Listener::Open("--listen", *ParseBindAddress("127.0.0.1:0"));
  ASSERT_TRUE(listener.ok()) << listener.status();
  const std::string address = ToString(listener->address());
  Connection waiting(address);
  EXPECT_TRUE(waiting.connected());
  listener->Close();
  EXPECT_EQ(waiting.Receive().status, 0) << "returns: it was hung up on";
  EXPECT_FALSE(Connection(address).connected());
  EXPECT_EQ(ToString(listener->address()), address);
}

TEST(Listener, NamesWhatCannotBeBound) {
  const auto first = Listener::Open("--listen", *ParseBindAddress("127.0.0.1:0"));
  ASSERT_TRUE(first.ok()) << first.status();
  const absl::Status taken = Listener::Open("--listen", first->address()).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(taken));
  EXPECT_THAT(std::string(taken.message()),
              HasSubstr("--listen " + ToString(first->address()) + ": cannot listen: the port is taken"));
  EXPECT_TRUE(absl::IsFailedPrecondition(Listener::Open("--listen", *ParseBindAddress("lab.invalid:0")).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(Listener::Open("--listen", *ParseBindAddress("192.0.2.1:0")).status()));
}

TEST(Listener, UnixSocketsComeAndGo) {
  const TemporaryDirectory directory;
  const std::string path = (directory.path() / "lab.sock").string();
  {
    const auto listener = Listener::Open("--listen", BindAddress{.socket_path = path});
    ASSERT_TRUE(listener.ok()) << listener.status();
    EXPECT_TRUE(std::filesystem::is_socket(path));
    EXPECT_TRUE(absl::IsFailedPrecondition(Listener::Open("--listen", BindAddress{.socket_path = path}).status()));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

// Whoever comes while there is no descriptor is hung up on, and whoever comes after that is served.
TEST(Listener, GoesOnAfterTheLastDescriptor) {
  auto listener = Listener::Open("--listen", *ParseBindAddress("127.0.0.1:0"));
  ASSERT_TRUE(listener.ok()) << listener.status();
  const std::string address = ToString(listener->address());
  Connection early(address), late(address);
  std::vector<Descriptor> all;
  rlimit limit{}, few{};
  getrlimit(RLIMIT_NOFILE, &limit);
  few = {.rlim_cur = 256, .rlim_max = limit.rlim_max};
  setrlimit(RLIMIT_NOFILE, &few);
  for (int fd; (fd = open("/dev/null", O_RDONLY)) >= 0;) all.emplace_back(fd);
  EXPECT_EQ(AcceptOne(*listener), -1);
  EXPECT_EQ(early.Receive().status, 0) << "returns: it was hung up on";
  all.clear();
  const Descriptor accepted(AcceptOne(*listener));
  EXPECT_GE(accepted.get(), 0);
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace
}  // namespace alloclab::server
