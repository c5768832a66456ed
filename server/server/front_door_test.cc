#include "server/server/front_door.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "allocators/common/mutex.h"
#include "server/limits.h"
#include "server/testing/eventually.h"
#include "server/testing/http_client.h"

namespace alloclab::server {
namespace {

constexpr absl::Duration kNever = absl::Hours(1);

// A door, and behind it a room where nobody says a word.
class FrontDoorTest : public testing::Test {
 protected:
  void Open(const FrontDoor::Rules& rules) {
    door_ = std::make_unique<FrontDoor>(*Listener::Open("--listen", *ParseBindAddress("127.0.0.1:0")), rules, owners_,
                                        [this](int socket) {
                                          const MutexLock lock(mutex_);
                                          room_.push_back(socket);
                                        });
  }
  ~FrontDoorTest() override {
    door_ = nullptr;
    while (!room_.empty()) LetGo();
  }
  // As gRPC does when a connection ends.
  void LetGo() {
    const MutexLock lock(mutex_);
    shutdown(room_.front(), SHUT_RDWR);
    close(room_.front());
    room_.pop_front();
  }
  // That of its client.
  static std::string NameOf(int socket) {
    sockaddr_in peer{};
    socklen_t bytes = sizeof peer;
    EXPECT_EQ(getpeername(socket, static_cast<sockaddr*>(static_cast<void*>(&peer)), &bytes), 0);
    return fmt::format("ipv4:127.0.0.1:{}", ntohs(peer.sin_port));
  }
  Connection& Knock() { return clients_.emplace_back(ToString(door_->address())); }
  bool Counts(std::uint64_t open, std::uint64_t accepted, std::uint64_t refused) {
    return Eventually([&] {
      const FrontDoor::Counts counts = door_->counts();
      return counts.open == open && counts.accepted == accepted && counts.refused == refused;
    });
  }

  Mutex mutex_;
  std::deque<int> room_;
  OwnerConnections owners_{1, [](const std::string&) {}};
  std::unique_ptr<FrontDoor> door_;
  std::deque<Connection> clients_;
};

TEST_F(FrontDoorTest, LetsInAsManyAsThereMayBe) {
  Open({.connections_max = 3, .guests_max = 0, .silence = kNever, .guest_stay = kNever});
  for (int i = 0; i < 3; ++i) Knock();
  EXPECT_TRUE(Counts(3, 3, 0));
  EXPECT_EQ(Knock().Receive().status, 0) << "returns: it was hung up on";
  EXPECT_TRUE(Counts(3, 3, 1));
  LetGo();
  EXPECT_TRUE(Counts(2, 3, 1));
  Knock();
  EXPECT_TRUE(Counts(3, 4, 1));
}

TEST_F(FrontDoorTest, TheSilentMakeRoom) {
  Open({.connections_max = 3, .guests_max = 0, .silence = absl::ZeroDuration(), .guest_stay = kNever});
  for (int i = 0; i < 20; ++i) {
    Knock();
    EXPECT_TRUE(Eventually([&] { return door_->counts().accepted == static_cast<std::uint64_t>(i) + 1; }));
    if (i == 0) absl::SleepFor(absl::Milliseconds(5));  // it is silent for longest; the kernel counts milliseconds
  }
  EXPECT_EQ(door_->counts().open, 3u);
  EXPECT_EQ(door_->counts().silent, 17u);
  EXPECT_EQ(clients_.front().Receive().status, 0) << "returns: it was hung up on";
}

TEST_F(FrontDoorTest, GuestsComeWhenItIsFullAndGo) {
  Open({.connections_max = 1, .guests_max = 1, .silence = kNever, .guest_stay = absl::Milliseconds(50)});
  Knock();
  EXPECT_TRUE(Counts(1, 1, 0));
  EXPECT_EQ(Knock().Receive().status, 0) << "returns: its stay is over";
  EXPECT_TRUE(Counts(1, 2, 0));
  EXPECT_EQ(door_->counts().guests, 1u);
  EXPECT_EQ(Knock().Receive().status, 0);
  EXPECT_TRUE(Counts(1, 3, 0));
}

TEST_F(FrontDoorTest, StrangersMakeRoomButNoOwner) {
  Open({.connections_max = 3, .guests_max = 0, .silence = kNever, .guest_stay = absl::ZeroDuration()});
  for (std::uint64_t i = 1; i <= 3; ++i) {
    Knock();
    EXPECT_TRUE(Counts(i, i, 0));
  }
  Knock();
  EXPECT_TRUE(Counts(3, 3, 1)) << "nobody has shown a token: nobody is a stranger";
  {
    const MutexLock lock(mutex_);
    EXPECT_TRUE(owners_.Call(NameOf(room_[0]), "ada").ok());
  }
  for (std::uint64_t i = 1; i <= 5; ++i) {
    Knock();
    EXPECT_TRUE(Counts(3, 3 + i, 1));
    EXPECT_EQ(door_->counts().strangers, i);
  }
  EXPECT_EQ(clients_[1].Receive().status, 0) << "returns: it was hung up on";
  clients_[0].Send("x");
  EXPECT_TRUE(Eventually([&] {
    const MutexLock lock(mutex_);
    char byte = 0;
    return recv(room_.front(), &byte, 1, MSG_DONTWAIT) == 1;
  })) << "hers is there";
}

// Who has just come may have a token.
TEST_F(FrontDoorTest, StrangersHaveTheTimeOfAGuest) {
  Open({.connections_max = 1, .guests_max = 0, .silence = kNever, .guest_stay = kNever});
  EXPECT_TRUE(owners_.Call("another, who has gone", "ada").ok());
  Knock();
  EXPECT_TRUE(Counts(1, 1, 0));
  EXPECT_EQ(Knock().Receive().status, 0) << "returns: it was hung up on";
  EXPECT_TRUE(Counts(1, 1, 1));
}

TEST_F(FrontDoorTest, AGuestMakesRoomForTheNext) {
  Open({.connections_max = 1, .guests_max = 2, .silence = kNever, .guest_stay = kNever});
  for (int i = 0; i < 10; ++i) Knock();
  EXPECT_TRUE(Counts(3, 10, 0));
  EXPECT_EQ(door_->counts().guests, 7u);
  EXPECT_EQ(clients_[1].Receive().status, 0) << "returns: the first guest was hung up on";
}

TEST_F(FrontDoorTest, WhoIsUnwantedGoesWithAllThatWasNotRead) {
  Open({.connections_max = 3, .guests_max = 0, .silence = kNever, .guest_stay = kNever});
  Connection& client = Knock();
  client.Send(std::string(100'000, 'x'));
  EXPECT_TRUE(Counts(1, 1, 0));
  int socket = -1;
  EXPECT_TRUE(Eventually([&] {
    const MutexLock lock(mutex_);
    int unread = 0;
    if (!room_.empty()) ioctl(socket = room_.front(), FIONREAD, &unread);
    return unread == 100'000;
  }));
  door_->HangUpOn("ipv4:127.0.0.1:1");  // nobody
  door_->HangUpOn(NameOf(socket));
  EXPECT_TRUE(Eventually([&] { return door_->counts().unwanted == 1; }));
  char byte = 0;
  EXPECT_EQ(recv(socket, &byte, 1, MSG_DONTWAIT), 0) << "nothing is left to read but the end";
  LetGo();
  EXPECT_EQ(client.Receive().status, 0) << "returns: it was hung up on";
}

TEST_F(FrontDoorTest, ClosedItKeepsWhoIsInAndLetsNobodyIn) {
  Open({.connections_max = 3, .guests_max = 0, .silence = kNever, .guest_stay = kNever});
  Connection& in = Knock();
  EXPECT_TRUE(Counts(1, 1, 0));
  const BindAddress address = door_->address();
  door_->Close();
  EXPECT_FALSE(Knock().connected()) << "the kernel refuses it at once, instead of letting it wait";
  EXPECT_EQ(ToString(door_->address()), ToString(address)) << "it is still known";
  EXPECT_TRUE(Counts(1, 1, 0));
  door_ = nullptr;
  EXPECT_EQ(in.Receive().status, 0) << "returns: with the door, the connection ends";
}

TEST(ConnectionsFor, LeavesDescriptorsForTheRest) {
  EXPECT_EQ(ConnectionsFor(0, 4096), kConnectionsMin);
  EXPECT_EQ(ConnectionsFor(kDescriptorsReserved + 2 * 100, 4096), 100u);
  EXPECT_EQ(ConnectionsFor(1u << 20, 4096), 4096u);
  EXPECT_EQ(ConnectionsFor(1u << 20, 1), kConnectionsMin);
  EXPECT_GE(ConnectionsFor(1024, 4096), 300u);
}

}  // namespace
}  // namespace alloclab::server
