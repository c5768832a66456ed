// One end of a connection by TLS, whose other end is a client that keeps it busy with what is no data.
#include "server/http/channel.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <memory>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "server/access/certificates.h"
#include "server/http/turn_bio.h"
#include "server/testing/temporary_directory.h"

namespace alloclab::server {
namespace {

class ChannelTest : public ::testing::Test {
 protected:
  ChannelTest() {
    const std::string lab = folder_.path() / "lab";
    EXPECT_TRUE(MakeCertificates({.directory = lab, .hosts = {"127.0.0.1"}, .from = absl::Now(), .life = absl::Hours(1)}).ok());
    server_context_ = *TlsContext::Make({{"--tls-cert", lab + "/server.pem"}, {"--tls-key", lab + "/server.key"}, {}});
    std::array<int, 2> ends{};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
    client_socket_ = Descriptor(ends[0]);
    channel_ = Channel(Descriptor(ends[1]), server_context_->Accept(ends[1]));
    client_.reset(SSL_new(client_context_.get()));
    SSL_set_bio(client_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));  // what it hears and says
    SSL_set_connect_state(client_.get());
  }
  // What the client has said since the last time.
  std::string Said() {
    std::string said(BIO_ctrl_pending(SSL_get_wbio(client_.get())), '\0');
    if (!said.empty()) BIO_read(SSL_get_wbio(client_.get()), said.data(), static_cast<int>(said.size()));
    return said;
  }
  void Send(const std::string& bytes) {
    EXPECT_EQ(send(client_socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  void Hear() {
    std::array<char, kTlsRecordBytes> buffer;
    for (ssize_t got; (got = recv(client_socket_.get(), buffer.data(), buffer.size(), 0)) > 0;) {
      BIO_write(SSL_get_rbio(client_.get()), buffer.data(), static_cast<int>(got));
    }
  }
  Channel::Moved Receive() { return channel_.Receive(heard_.data(), heard_.size()); }
  // Turns until all that was sent is read.
  int ReceiveAll() {
    int turns = 0;
    for (; Waiting() > 0; ++turns) EXPECT_EQ(Receive().outcome, Channel::Outcome::kLater);
    return turns;
  }
  int Waiting() const {
    int bytes = 0;
    EXPECT_EQ(ioctl(channel_.socket(), FIONREAD, &bytes), 0);
    return bytes;
  }
  void ExpectData() {
    ASSERT_EQ(SSL_write(client_.get(), "data", 4), 4);
    Send(Said());
    const Channel::Moved moved = Receive();
    EXPECT_EQ(moved.outcome, Channel::Outcome::kMoved);
    EXPECT_EQ(moved.bytes, 4u);
  }

  TemporaryDirectory folder_;
  std::unique_ptr<TlsContext> server_context_;
  std::unique_ptr<SSL_CTX, FreeTls> client_context_{SSL_CTX_new(TLS_client_method())};
  Descriptor client_socket_;
  Channel channel_;
  TlsSession client_;
  std::array<char, kTlsRecordBytes> heard_;
};

TEST_F(ChannelTest, AHandshakeInRecordsOfOneByteTakesTurns) {
  ASSERT_EQ(SSL_do_handshake(client_.get()), -1);
  const std::string hello = Said();
  std::string pieces;
  for (const char byte : hello.substr(5)) pieces += hello.substr(0, 3) + std::string("\0\1", 2) + byte;
  const int records = static_cast<int>(hello.size()) - 5;
  Send(pieces);
  EXPECT_GE(ReceiveAll(), 2 * records / kReadsPerTurn) << "of a hello in " << records << " records";
  Hear();
  ASSERT_EQ(SSL_do_handshake(client_.get()), 1) << "it is a good one";
  ExpectData();
}

TEST_F(ChannelTest, NewKeysAgainAndAgainTakeTurns) {
  constexpr int kUpdates = 500;
  SSL_do_handshake(client_.get());
  Send(Said());
  ReceiveAll();
  Hear();
  ASSERT_EQ(SSL_do_handshake(client_.get()), 1);
  for (int i = 0; i < kUpdates; ++i) {
    ASSERT_EQ(SSL_key_update(client_.get(), SSL_KEY_UPDATE_NOT_REQUESTED), 1);
    ASSERT_EQ(SSL_do_handshake(client_.get()), 1);
  }
  Send(Said());
  EXPECT_GE(ReceiveAll(), 2 * kUpdates / kReadsPerTurn);
  ExpectData();
}

}  // namespace
}  // namespace alloclab::server
