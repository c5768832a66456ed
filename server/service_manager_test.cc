// The real program, started by something that wants to be told how far it is, as systemd does.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "server/testing/eventually.h"
#include "server/testing/process.h"

namespace alloclab::server {
namespace {

// Hears what is said to a socket of that name: a file, or with '@' before it a name that is none.
class ServiceManager {
 public:
  explicit ServiceManager(const std::string& name) : socket_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path, sizeof address.sun_path - 1);
    if (name.front() == '@') address.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    EXPECT_EQ(bind(socket_, static_cast<const sockaddr*>(static_cast<const void*>(&address)), length), 0);
  }
  ~ServiceManager() { close(socket_); }
  ServiceManager(const ServiceManager&) = delete;
  ServiceManager& operator=(const ServiceManager&) = delete;

  // What was said and not heard yet, a line each.
  std::string Hear() {
    char text[64];
    for (ssize_t size = 0; (size = recv(socket_, text, sizeof text, MSG_DONTWAIT)) > 0;) {
      heard_.append(text, static_cast<std::size_t>(size)).append("\n");
    }
    return std::exchange(heard_, "");
  }

 private:
  const int socket_;
  std::string heard_;
};

std::vector<std::string> ServerOn(const TemporaryDirectory& data) {
  return {ALLOCLAB_BINARY_DIR "/bin/alloclabd",
          "--listen",
          "127.0.0.1:0",
          "--metrics-listen",
          "",
          "--web-listen",
          "",
          "--data-dir",
          data.path()};
}

TEST(AlloclabdService, SaysWhenItServesAndWhenItEnds) {
  const TemporaryDirectory data, sockets;
  for (const std::string& name : {(sockets.path() / "notify").string(), "@alloclab-notify-" + std::to_string(getpid())}) {
    ServiceManager manager(name);
    Process process(ServerOn(data), {"NOTIFY_SOCKET=" + name});
    std::string heard;
    ASSERT_TRUE(Eventually([&] { return !(heard = manager.Hear()).empty(); })) << process.err();
    EXPECT_EQ(heard, "READY=1\n");
    EXPECT_TRUE(Eventually([&] { return process.err().find("server.started") != std::string::npos; })) << process.err();
    process.Signal(SIGTERM);
    EXPECT_EQ(process.Wait(), 0);
    EXPECT_EQ(manager.Hear(), "STOPPING=1\n");
  }
}

TEST(AlloclabdService, SaysNothingWhenItCannotServe) {
  const TemporaryDirectory data, sockets;
  const std::string name = sockets.path() / "notify";
  ServiceManager manager(name);
  Process first(ServerOn(data), {"NOTIFY_SOCKET=" + name});
  ASSERT_TRUE(Eventually([&] { return !manager.Hear().empty(); })) << first.err();
  Process second(ServerOn(data), {"NOTIFY_SOCKET=" + name});
  EXPECT_EQ(second.Wait(), 1) << second.err();
  EXPECT_EQ(manager.Hear(), "");
}

TEST(AlloclabdService, AManagerThatIsNotThereIsNoHindrance) {
  const TemporaryDirectory data;
  for (const std::string& name : {std::string("/nowhere/notify"), std::string(200, 'x'), std::string()}) {
    Process process(ServerOn(data), {"NOTIFY_SOCKET=" + name});
    ASSERT_TRUE(Eventually([&] { return process.err().find("server.started") != std::string::npos; })) << process.err();
    process.Signal(SIGTERM);
    EXPECT_EQ(process.Wait(), 0) << process.err();
  }
}

}  // namespace
}  // namespace alloclab::server
