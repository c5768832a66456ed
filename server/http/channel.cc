#include "server/http/channel.h"

#include <openssl/err.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "server/http/turn_bio.h"

namespace alloclab::server {
namespace {

int AtMost(std::size_t bytes) { return static_cast<int>(std::min<std::size_t>(bytes, std::numeric_limits<int>::max())); }

bool MayComeLater() { return errno == EAGAIN || errno == EINTR; }

}  // namespace

Channel::Moved Channel::Receive(char* to, std::size_t size) {
  awaited_ = 0;
  if (session_ != nullptr) {
    ERR_clear_error();
    BeginTurn(session_.get());
    return ResultOf(SSL_read(session_.get(), to, AtMost(size)));
  }
  const ssize_t got = recv(socket_.get(), to, size, 0);
  if (got > 0) return {Outcome::kMoved, static_cast<std::size_t>(got)};
  if (got == 0) return {Outcome::kEnd};
  if (!MayComeLater()) return {Outcome::kBroken};
  awaited_ = EPOLLIN;
  return {Outcome::kLater};
}

Channel::Moved Channel::Send(absl::string_view bytes) {
  awaited_ = 0;
  if (session_ != nullptr) {
    ERR_clear_error();
    return ResultOf(SSL_write(session_.get(), bytes.data(), AtMost(bytes.size())));
  }
  const ssize_t sent = send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent >= 0) return {Outcome::kMoved, static_cast<std::size_t>(sent)};
  if (!MayComeLater()) return {Outcome::kBroken};
  awaited_ = EPOLLOUT;
  return {Outcome::kLater};
}

Channel::Outcome Channel::EndSending() {
  awaited_ = 0;
  if (session_ != nullptr) {
    ERR_clear_error();
    const int told = SSL_shutdown(session_.get());  // 0: the other side has not said so yet
    if (const Outcome outcome = told < 0 ? ResultOf(told).outcome : Outcome::kEnd; outcome != Outcome::kEnd) return outcome;
  }
  shutdown(socket_.get(), SHUT_WR);
  return Outcome::kEnd;
}

Channel::Moved Channel::ResultOf(int moved) {
  if (moved > 0) return {Outcome::kMoved, static_cast<std::size_t>(moved)};
  switch (SSL_get_error(session_.get(), moved)) {
    case SSL_ERROR_WANT_READ:
      awaited_ = EPOLLIN;
      return {Outcome::kLater};
    case SSL_ERROR_WANT_WRITE:
      awaited_ = EPOLLOUT;
      return {Outcome::kLater};
    case SSL_ERROR_ZERO_RETURN:
      return {Outcome::kEnd};
    default:
      break;
  }
  const bool is_http = ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST;
  ERR_clear_error();
  return {is_http ? Outcome::kInTheClear : Outcome::kBroken};
}

}  // namespace alloclab::server
