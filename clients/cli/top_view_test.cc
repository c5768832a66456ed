#include "clients/cli/top_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>

#include "clients/common/terminal.h"

namespace alloclab::client {
namespace {

using testing::HasSubstr;

v1::Instance InstanceOf(std::uint64_t id, const std::string& name, std::uint64_t operations) {
  v1::Instance instance;
  instance.set_id(id);
  instance.set_name(name);
  instance.set_operations(operations);
  instance.mutable_config()->set_ram_bytes(64 << 20);
  instance.mutable_config()->set_heap_allocator("tlsf");
  return instance;
}

TopLook LookAt(double seconds, std::vector<v1::Instance> instances) {
  TopLook look;
  look.at = absl::Seconds(seconds);
  look.server.set_instances(static_cast<std::uint32_t>(instances.size()));
  look.server.set_instances_max(10'000);
  look.instances = std::move(instances);
  return look;
}

TEST(TopView, TheRateIsThatBetweenTwoLooksAndWhatIsNewHasNone) {
  TopView view(TopOrder::kRate);
  view.Add(LookAt(10, {InstanceOf(1, "slow", 5'000'000), InstanceOf(2, "quick", 0)}));
  view.Add(LookAt(12, {InstanceOf(1, "slow", 5'000'100), InstanceOf(2, "quick", 4'000), InstanceOf(3, "new", 77)}));
  const Document document = view.ToDocument(12);
  const auto& rows = document.sections.at(0).rows;
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0][0].text, "quick");
  EXPECT_EQ(rows[0].back().raw, "2000.0");
  EXPECT_EQ(rows[1][0].text, "slow");
  EXPECT_EQ(rows[1].back().raw, "50.0");
  EXPECT_EQ(rows[2].back().text, "-");
  EXPECT_THAT(document.heading, HasSubstr("3 instances of at most 10,000; 0 runs under way, 0 waiting"));
}

TEST(TopView, AnInstanceOfTheSameNameThatWasMadeAnewHasNoRate) {
  TopView view(TopOrder::kName);
  view.Add(LookAt(0, {InstanceOf(1, "demo", 900)}));
  view.Add(LookAt(1, {InstanceOf(2, "demo", 10)}));
  EXPECT_EQ(view.ToDocument(1).sections.at(0).rows.at(0).back().text, "-");
}

TEST(TopView, OrdersAndRowsAreThoseAskedFor) {
  TopView view(TopOrder::kOperations);
  view.Add(LookAt(0, {InstanceOf(1, "a", 5), InstanceOf(2, "b", 7), InstanceOf(3, "c", 6)}));
  const Document document = view.ToDocument(2);
  ASSERT_EQ(document.sections.at(0).rows.size(), 2u);
  EXPECT_EQ(document.sections[0].rows[0][0].text, "b");
  EXPECT_EQ(document.sections[0].rows[1][0].text, "c");
  EXPECT_THAT(document.footer, testing::ElementsAre("1 more instances."));
  EXPECT_EQ(view.ToMessage().fields().at("instances").list_value().values_size(), 3) << "programs see all";
}

TEST(TopView, TheQueueStandsAsItIsWorkedOffWithin80Columns) {
  TopView view(TopOrder::kName);
  TopLook look = LookAt(0, {});
  for (const std::uint64_t id : {9, 8, 7}) {
    v1::Run& run = *look.under_way.add_runs();
    run.set_id(id);
    run.set_state(id == 8 ? v1::Run::RUNNING : v1::Run::QUEUED);
    run.mutable_workload()->mutable_builtin()->set_name("sqlite");
    run.mutable_config()->set_heap_allocator("tlsf");
    run.set_operations_total(100);
  }
  view.Add(std::move(look));
  const Document document = view.ToDocument(2);
  EXPECT_THAT(document.heading, HasSubstr("1 run under way, 2 waiting"));
  const auto& rows = document.sections.at(0).rows;
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0][0].text, "8");
  EXPECT_EQ(rows[1][0].text, "7");
  const std::string text = RenderTable(document, Style(false), 80);
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = text.find('\n', start);
    EXPECT_LE(DisplayWidth(text.substr(start, end - start)), 80u) << text;
    start = end + 1;
  }
}

TEST(TopView, AnEmptyLabSaysWhatToDo) {
  TopView view(TopOrder::kRate);
  view.Add(LookAt(0, {}));
  EXPECT_THAT(view.ToDocument(12).footer, testing::ElementsAre(HasSubstr("alloclab load --demo")));
}

}  // namespace
}  // namespace alloclab::client
