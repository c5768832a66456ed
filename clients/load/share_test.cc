#include "clients/load/share.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "clients/load/load_config.h"

namespace alloclab::load {
namespace {

v1::LoadConfig ConfigOf(std::uint32_t connections, std::uint32_t instances) {
  v1::LoadConfig config;
  config.set_connections(connections);
  config.set_instances(instances);
  if (instances == 0) config.set_instance("theirs");
  config.set_batch(1);
  config.set_window(1);
  config.set_timeout_seconds(1);
  return config;
}

// However they are shared out, each connection and each instance is one generator's, and both are the same one's.
TEST(Share, EachConnectionAndInstanceIsOfOneGenerator) {
  for (const std::uint32_t instances : {0u, 1u, 2u, 3u, 7u}) {
    for (std::uint32_t generators = 1; generators <= 5; ++generators) {
      const v1::LoadConfig config = ConfigOf(11, instances);
      std::map<std::uint32_t, std::uint32_t> owner;  // of instances
      std::multiset<std::string> names;
      std::uint32_t sum = 0;
      for (std::uint32_t number = 0; number < generators; ++number) {
        const Share share{.number = number, .generators = generators};
        sum += ConnectionsOf(config, share);
        for (const std::string& name : InstanceNames("load-x", config, share)) names.insert(name);
        for (std::uint32_t c = 0; instances > 0 && c < config.connections(); ++c) {
          if (!share.HasConnection(config, c)) continue;
          EXPECT_EQ(owner.emplace(c % instances, number).first->second, number);
        }
      }
      EXPECT_EQ(sum, config.connections());
      const std::vector<std::string> all = InstanceNames("load-x", config);
      EXPECT_EQ(names, std::multiset<std::string>(all.begin(), all.end()));
      EXPECT_EQ(all.size(), instances);
    }
  }
}

TEST(Share, EachGeneratorHasSomethingToDoAndNotTooMuch) {
  const auto check = [](std::uint32_t connections, std::uint32_t instances, std::uint32_t generators) {
    v1::LoadConfig config = ConfigOf(connections, instances);
    config.set_generators(generators);
    return std::string(CheckConfig(config).message());
  };
  using ::testing::HasSubstr;
  EXPECT_EQ(check(4, 4, 4), "");
  EXPECT_EQ(check(4, 0, 4), "");
  EXPECT_THAT(check(4, 3, 4), HasSubstr("--generators 4: expected at most 3, one for each of the instances"));
  EXPECT_THAT(check(3, 0, 4), HasSubstr("--generators 4: expected at most 3, one for each of the connections"));
  EXPECT_THAT(check(100, 100, 65), HasSubstr("--generators 65: expected 1 to 64"));
  EXPECT_EQ(check(kConnectionsMax * 4, kConnectionsMax * 4, 4), "");
  EXPECT_THAT(check(kConnectionsMax * 4 + 1, 4, 4), HasSubstr("--connections 1025: expected 1 to 1024"));
  EXPECT_THAT(check(kConnectionsMax * 2, 3, 2), HasSubstr("one would have 341, expected at most 256"));
  EXPECT_THAT(check(257, 257, 0), HasSubstr("--connections 257: expected 1 to 256"));
}

}  // namespace
}  // namespace alloclab::load
