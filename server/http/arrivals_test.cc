#include "server/http/arrivals.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "server/http/listener.h"

namespace alloclab::server {
namespace {

class ArrivalsTest : public testing::Test {
 protected:
  // A connection from that address of this host, accepted.
  Descriptor ComeFrom(const char* address) {
    Descriptor client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in from{}, to{};
    from.sin_family = to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(listener_.address().port));
    inet_pton(AF_INET, address, &from.sin_addr);
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    const auto generic = [](sockaddr_in& of) { return static_cast<sockaddr*>(static_cast<void*>(&of)); };
    EXPECT_EQ(bind(client.get(), generic(from), sizeof from), 0);
    EXPECT_EQ(connect(client.get(), generic(to), sizeof to), 0);
    clients_.push_back(std::move(client));
    pollfd waits{listener_.sockets().front().get(), POLLIN, 0};
    EXPECT_EQ(poll(&waits, 1, 60'000), 1);
    return Descriptor(listener_.Accept(waits.fd));
  }
  bool LetsIn(const char* address) { return Descriptor(arrivals_.Admit(ComeFrom(address))).get() >= 0; }
  static bool IsHungUpOn(const Descriptor& client) {
    char byte = 0;
    pollfd waits{client.get(), POLLIN, 0};
    return poll(&waits, 1, 60'000) == 1 && recv(client.get(), &byte, 1, 0) <= 0;
  }

  Listener listener_ = *Listener::Open("--listen", *ParseBindAddress("127.0.0.1:0"));
  const Descriptor timer_{timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)};
  // Of one address three come in, two wait, for a quarter and half an hour, and the others are hung up on.
  static constexpr ClientBudget::Rules kSlow{
      .at_once = 3, .per_second = 1.0 / 900, .wait_max = absl::Minutes(35), .clients_max = 10};
  Arrivals arrivals_{{.of_address = kSlow, .waiting_max = 3}, timer_.get()};
  std::vector<Descriptor> clients_;
};

TEST_F(ArrivalsTest, WhoComesTooOftenWaitsOrIsHungUpOn) {
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(LetsIn("127.0.0.2"));
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(LetsIn("127.0.0.2"));
  EXPECT_EQ(arrivals_.turned_away(), 0u);
  EXPECT_FALSE(LetsIn("127.0.0.2"));
  EXPECT_EQ(arrivals_.turned_away(), 1u);
  EXPECT_TRUE(IsHungUpOn(clients_.back()));
  EXPECT_TRUE(LetsIn("127.0.0.3")) << "another address";
  EXPECT_EQ(arrivals_.Next(), -1) << "those wait for a quarter of an hour";
}

TEST_F(ArrivalsTest, NoMoreWaitThanMay) {
  for (const char* address : {"127.0.0.2", "127.0.0.3"}) {
    for (int i = 0; i < 5; ++i) EXPECT_EQ(LetsIn(address), i < 3);
  }
  EXPECT_EQ(arrivals_.turned_away(), 1u);
  EXPECT_TRUE(IsHungUpOn(clients_.back()));
}

TEST_F(ArrivalsTest, WhoHasWaitedComesIn) {
  Arrivals arrivals(
      {.of_address = {.at_once = 1, .per_second = 4, .wait_max = absl::Seconds(10), .clients_max = 10}, .waiting_max = 9},
      timer_.get());
  int came_in = 0;
  for (int i = 0; i < 4; ++i) came_in += Descriptor(arrivals.Admit(ComeFrom("127.0.0.2"))).get() >= 0;
  while (came_in < 4) {
    pollfd due{timer_.get(), POLLIN, 0};
    ASSERT_EQ(poll(&due, 1, 60'000), 1);
    came_in += Descriptor(arrivals.Next()).get() >= 0;
  }
  EXPECT_EQ(arrivals.turned_away(), 0u);
}

TEST_F(ArrivalsTest, HangsUpOnAllThatWait) {
  for (int i = 0; i < 5; ++i) EXPECT_EQ(LetsIn("127.0.0.2"), i < 3);
  arrivals_.HangUp();
  EXPECT_TRUE(IsHungUpOn(clients_.back()));
}

}  // namespace
}  // namespace alloclab::server
