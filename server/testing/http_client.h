// The HTTP client of all tests: sends exactly the bytes it is given and reads until the server closes.
#ifndef ALLOCLAB_SERVER_TESTING_HTTP_CLIENT_H_
#define ALLOCLAB_SERVER_TESTING_HTTP_CLIENT_H_

#include <string>

#include "absl/strings/string_view.h"

namespace alloclab {

struct RawResponse {
  int status = 0;       // 0: no answer
  std::string headers;  // status line included
  std::string body;
};

class Connection {
 public:
  // `address`: "127.0.0.1:1234" or "[::1]:1234". `from`: an address of this host of version 4, "127.0.0.2"; empty: any.
  explicit Connection(const std::string& address, const std::string& from = "");
  ~Connection() { Close(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  bool connected() const { return socket_ >= 0; }
  int descriptor() const { return socket_; }
  void Send(absl::string_view bytes);
  void HalfClose();
  RawResponse Receive();
  // What comes next, as soon as something does; empty: the server has closed.
  std::string ReceiveSome();

 private:
  void Close();

  int socket_ = -1;
};

// One request, whatever it is, and the answer to it.
RawResponse Exchange(const std::string& address, absl::string_view request);
// `headers` as on the wire: lines that end in CR LF.
RawResponse Get(const std::string& address, absl::string_view target, absl::string_view headers = {});

}  // namespace alloclab

#endif  // ALLOCLAB_SERVER_TESTING_HTTP_CLIENT_H_
