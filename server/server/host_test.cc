#include "server/server/host.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <fstream>

#include "server/testing/temporary_directory.h"

namespace alloclab::server {
namespace {

constexpr std::uint64_t kMi = 1 << 20, kGi = 1 << 30;

class HostMemory : public testing::Test {
 protected:
  void Write(const std::string& name, const std::string& text) {
    const std::filesystem::path file = root_.path() / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text << "\n";
  }
  TemporaryDirectory root_;
};

TEST_F(HostMemory, IsAllOfItWithoutControlGroups) { EXPECT_GT(MemoryBytes(root_.path()), 16 * kMi); }

TEST_F(HostMemory, IsTheLeastLimitOfVersionTwo) {
  const std::uint64_t all = MemoryBytes(root_.path());
  Write("proc/self/cgroup", "0::/lab.slice/alloclabd.service");
  Write("sys/fs/cgroup/lab.slice/alloclabd.service/memory.max", "max");
  EXPECT_EQ(MemoryBytes(root_.path()), all);
  Write("sys/fs/cgroup/lab.slice/memory.max", "8388608");
  EXPECT_EQ(MemoryBytes(root_.path()), 8 * kMi) << "of the group around it";
  Write("sys/fs/cgroup/lab.slice/alloclabd.service/memory.max", "4194304");
  EXPECT_EQ(MemoryBytes(root_.path()), 4 * kMi);
}

TEST_F(HostMemory, OfAContainerIsAtTheMountOfVersionTwo) {
  Write("proc/self/cgroup", "0::/");
  Write("sys/fs/cgroup/memory.max", "12582912");
  EXPECT_EQ(MemoryBytes(root_.path()), 12 * kMi);
}

TEST_F(HostMemory, IsTheLeastLimitOfVersionOne) {
  Write("proc/self/cgroup", "5:cpu,cpuacct:/docker/1\n4:memory:/docker/1\n0::/docker/1");
  Write("sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes", "6291456");
  EXPECT_EQ(MemoryBytes(root_.path()), 6 * kMi);
}

TEST_F(HostMemory, OfAContainerIsAtTheMountOfVersionOne) {
  const std::uint64_t all = MemoryBytes(root_.path());
  Write("proc/self/cgroup", "4:memory:/docker/1");
  Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712");  // none
  EXPECT_EQ(MemoryBytes(root_.path()), all);
  Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "7340032");
  EXPECT_EQ(MemoryBytes(root_.path()), 7 * kMi);
}

TEST(HeldBytesDefault, LeavesWhatTheServerNeeds) {
  EXPECT_EQ(HeldBytesDefault(2 * kGi), 1280 * kMi);
  EXPECT_EQ(HeldBytesDefault(64 * kGi), 48 * kGi) << "three quarters at most";
  EXPECT_EQ(HeldBytesDefault(kGi / 2), kGi / 8) << "a quarter at least";
  EXPECT_EQ(HeldBytesDefault(kGi), kGi / 4);
}

TEST(RaiseDescriptorLimit, GivesAllThereIs) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit low{64, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  EXPECT_EQ(RaiseDescriptorLimit(), before.rlim_max);
  rlimit after{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &after), 0);
  EXPECT_EQ(after.rlim_cur, before.rlim_max);
  setrlimit(RLIMIT_NOFILE, &before);
}

}  // namespace
}  // namespace alloclab::server
