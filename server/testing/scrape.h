// A server with metrics, and a scrape of it as series, for tests.
#ifndef ALLOCLAB_SERVER_TESTING_SCRAPE_H_
#define ALLOCLAB_SERVER_TESTING_SCRAPE_H_

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "server/testing/test_server.h"

namespace alloclab::server {

inline std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// "name{labels}" -> value
inline std::map<std::string, double> Series(const std::string& scrape) {
  std::map<std::string, double> series;
  for (const std::string& line : Lines(scrape)) {
    if (line.empty() || line[0] == '#') continue;
    const std::size_t space = line.rfind(' ');
    series[line.substr(0, space)] = std::strtod(line.c_str() + space + 1, nullptr);
  }
  return series;
}

inline void WithMetrics(ServerOptions& options) { options.metrics_listen = "127.0.0.1:0"; }

// Does some of everything.
inline void DoSomething(TestServer& server) {
  server.Create("a");
  v1::BatchReply reply;
  const v1::Batch batch =
      BatchBuilder("a").Add(v1::MALLOC, 0, 100).Add(v1::MALLOC, 1, 50).Add(v1::FREE, 0).Add(v1::FREE, 0).batch();
  ASSERT_TRUE(With([&](auto& context) { return server->heap->Apply(&context, batch, &reply); }).ok());
}

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_TESTING_SCRAPE_H_
