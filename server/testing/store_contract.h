// What every store must do, whatever database it has: tests of store_contract_test.cc, which run over each kind.
#ifndef ALLOCLAB_SERVER_TESTING_STORE_CONTRACT_H_
#define ALLOCLAB_SERVER_TESTING_STORE_CONTRACT_H_

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "server/store/run_store.h"

namespace alloclab::server {

// A database that is empty at first, and may be opened again and again.
class TestDatabase {
 public:
  virtual ~TestDatabase() = default;
  virtual std::unique_ptr<RunStore> Open() = 0;  // null: it failed, and said why
  // Flips a bit of the bytes of that column in the row with that id, behind the store's back, which is closed.
  virtual void Damage(const std::string& table, const std::string& column, std::uint64_t id) = 0;
};

struct StoreKind {
  std::string name;
  std::function<std::unique_ptr<TestDatabase>()> make;  // null: the database is not installed here
};

class StoreContract : public testing::TestWithParam<StoreKind> {
 protected:
  void SetUp() override {
    database_ = GetParam().make();
    if (database_ == nullptr) GTEST_SKIP() << "SKIPPED: " << GetParam().name << " is not installed";
    Reopen();
  }
  void Reopen() {
    store_.reset();
    store_ = database_->Open();
    ASSERT_NE(store_, nullptr);
  }

  std::unique_ptr<TestDatabase> database_;
  std::unique_ptr<RunStore> store_;
};

inline std::string KindName(const testing::TestParamInfo<StoreKind>& info) { return info.param.name; }

}  // namespace alloclab::server

#endif  // ALLOCLAB_SERVER_TESTING_STORE_CONTRACT_H_
