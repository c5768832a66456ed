#include "server/collections/guest_library.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "server/guest_limits.h"
#include "server/store/sqlite_store.h"
#include "server/testing/temporary_directory.h"

namespace alloclab::server {
namespace {

using testing::HasSubstr;

class GuestLibraryTest : public testing::Test {
 protected:
  static std::string Program(const std::string& name) {
    std::ifstream file(ALLOCLAB_SOURCE_DIR "/allocators/guest/testdata/programs/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  TemporaryDirectory directory_;
  std::unique_ptr<RunStore> store_ = *SqliteStore::Open(directory_.path());
  std::shared_ptr<HostBudget> budget_ = std::make_shared<HostBudget>(
      HostBudgetLimits{.promised_ram_bytes = 1ull << 32, .held_bytes = 1ull << 32, .handles = 10'000});
  GuestLibrary guests_{*store_, budget_, 1 << 20, /*retire=*/false};
};

// Who searches for long enough makes a program whose digest begins as another's does.
TEST_F(GuestLibraryTest, NobodyTakesTheNameOfAnothersProgram) {
  const auto first = guests_.Add(Program("buddy_pages.elf"), "hers.elf", "ada");
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_TRUE(guests_.Add(Program("buddy_pages.elf"), "his.elf", "bob").ok()) << "it is the same";
  const std::string name = GuestLibrary::NameOf(*first).ToString();
  ASSERT_TRUE(guests_.Delete(name).ok());
  StoredTrace alike = *first;
  alike.sha256 = first->sha256.substr(0, kGuestDigits) + std::string(kGuestDigitsMax - kGuestDigits, '0');
  alike.content = Program("explicit_list.elf");
  ASSERT_TRUE(store_->PutTrace(alike).ok());
  const absl::Status refused = guests_.Add(Program("buddy_pages.elf"), "hers.elf", "ada").status();
  EXPECT_TRUE(absl::IsAlreadyExists(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()),
              HasSubstr("another program begins with " + first->sha256.substr(0, kGuestDigits)));
  EXPECT_EQ(guests_.Find(name)->sha256, alike.sha256) << "who was first keeps the name";
}

TEST_F(GuestLibraryTest, NobodyHasMoreThanHalfOfThePrograms) {
  StoredTrace program;
  program.format = kGuestFormat;
  program.owner = "bob";
  for (std::size_t i = 0; i < kGuestProgramsMax / 2; ++i) {
    program.sha256 = fmt::format("{:064}", i);
    ASSERT_TRUE(store_->PutTrace(program).ok());
  }
  const absl::Status refused = guests_.Add(Program("buddy_pages.elf"), "his.elf", "bob").status();
  EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("bob has 500 programs"));
  EXPECT_TRUE(guests_.Add(Program("buddy_pages.elf"), "hers.elf", "ada").ok());
}

TEST_F(GuestLibraryTest, WhoUploadsRetiresOfOthersOnlyThoseWithMore) {
  const std::string small = Program("buddy_pages.elf"), large = Program("explicit_list.elf");
  GuestLibrary guests(*store_, budget_, small.size() + large.size() - 1, /*retire=*/true);
  const auto& [first, second] = std::minmax(small, large, [](const auto& a, const auto& b) { return a.size() < b.size(); });
  ASSERT_TRUE(guests.Add(first, "hers.elf", "ada").ok());
  EXPECT_TRUE(absl::IsResourceExhausted(guests.Add(second, "his.elf", "bob").status())) << "she has less";
  EXPECT_EQ(guests.List()->size(), 1u);
  ASSERT_TRUE(guests.Add(second, "hers too.elf", "ada").ok()) << "her own makes room";
  EXPECT_TRUE(guests.Add(first, "his.elf", "bob").ok()) << "she has more than he will have";
}

// Though hers has more bytes than all of theirs.
TEST_F(GuestLibraryTest, WhoHasFewProgramsLosesNoneToThoseWithMany) {
  GuestLibrary guests(*store_, budget_, 1 << 20, /*retire=*/true);
  const auto hers = guests.Add(Program("explicit_list.elf"), "hers.elf", "ada");
  ASSERT_TRUE(hers.ok()) << hers.status();
  StoredTrace program;
  program.format = kGuestFormat;
  for (std::size_t i = 1; i < kGuestProgramsMax; ++i) {
    program.sha256 = fmt::format("{:064}", i);
    program.owner = i < kGuestProgramsMax / 2 ? "bob" : "eve";
    ASSERT_TRUE(store_->PutTrace(program).ok());
  }
  const auto his = guests.Add(Program("buddy_pages.elf"), "his.elf", "bob");
  ASSERT_TRUE(his.ok()) << his.status();
  EXPECT_EQ(guests.List()->size(), kGuestProgramsMax);
  EXPECT_TRUE(store_->FindTraceInfo(hers->sha256)->has_value());
  EXPECT_FALSE(store_->FindTraceInfo(fmt::format("{:064}", 1))->has_value()) << "his own oldest went";
}

}  // namespace
}  // namespace alloclab::server
