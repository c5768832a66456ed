// Call sites from a program to an explanation: record_subject (recorder/testing) is recorded, looked into, replayed, explained.
#include <google/protobuf/struct.pb.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "alloclab/v1/run.pb.h"
#include "alloclab/v1/time_travel.pb.h"
#include "clients/cli/end_to_end.h"

namespace alloclab::client {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class CallSitesEndToEnd : public EndToEnd {
 protected:
  void SetUp() override {
#if !defined(__x86_64__)
    GTEST_SKIP() << "SKIPPED: call stacks are taken on x86-64 alone";
#endif
    Out({"record", "--stacks", "-o", trace_, "--", SUBJECT, "fragment"});
  }
  std::string Path(const std::string& name) const { return folder_.path().string() + "/" + name; }
  std::string Submit(const std::string& path) const {
    const auto run = Json<v1::Run>({"submit", path, "--ram", "16Mi", "--heap-allocator", "knr"});
    EXPECT_EQ(run.state(), v1::Run::SUCCEEDED);
    return std::to_string(run.id());
  }
  // The number of the site whose innermost functions are so called, as `trace show` has it.
  std::string SiteCalled(const std::string& name) const {
    const auto shown = Json<google::protobuf::Struct>({"trace", "show", trace_});
    for (const auto& site : shown.fields().at("sites").list_value().values()) {
      const auto& fields = site.struct_value().fields();
      const auto& innermost = fields.at("frames").list_value().values(0).struct_value().fields();
      const auto function = innermost.find("function");  // libraries of the system have none
      if (function != innermost.end() && function->second.string_value().find(name) != std::string::npos)
        return std::to_string(static_cast<int>(fields.at("site").number_value()));
    }
    return "none";
  }

  const std::string trace_ = Path("fragment.alloctrace");
};

TEST_F(CallSitesEndToEnd, ShowsFiltersAndStripsThem) {
  const std::string shown = Out({"trace", "show", trace_, "--sites", "3"});
  EXPECT_THAT(shown, AllOf(HasSubstr("CALL SITES THAT HOLD THE MOST AT THE PEAK"), HasSubstr("Filling")));
  const std::string wall = SiteCalled("Wall"), part = Path("wall.alloctrace"), bare = Path("bare.alloctrace");
  EXPECT_THAT(Out({"trace", "filter", trace_, "--site", wall, "--into", part}), HasSubstr("64 operations"));
  EXPECT_THAT(Out({"trace", "show", part}), AllOf(HasSubstr("Wall"), Not(HasSubstr("Filling"))));
  const std::string slice = Path("slice.alloctrace");
  Out({"trace", "slice", trace_, "--from", "20", "--into", slice});
  EXPECT_THAT(Out({"trace", "show", slice}), HasSubstr("Wall"));
  Out({"trace", "strip", trace_, "--into", bare});
  EXPECT_THAT(Out({"trace", "show", bare}), AllOf(Not(HasSubstr("CALL SITES")), Not(HasSubstr("Wall"))));
  EXPECT_THAT(Out({"trace", "diff", trace_, bare}), HasSubstr("the same operations"));
  EXPECT_THAT(Out({"trace", "convert", trace_, "--into", Path("fragment.rep")}), HasSubstr("call sites are left out"));
}

TEST_F(CallSitesEndToEnd, ARunSaysWhichOfThemCostAndHold) {
  const std::string run = Submit(trace_);
  const auto whole = Json<v1::RunExplanation>({"explain", run});
  const auto called = [&](const char* name) {
    return std::find_if(whole.sites().begin(), whole.sites().end(),
                        [&](const auto& site) { return site.called_by().find(name) != std::string::npos; });
  };
  const auto wall = called("Wall"), filling = called("Filling");
  ASSERT_TRUE(wall != whole.sites().end() && filling != whole.sites().end()) << whole.DebugString();
  EXPECT_EQ(std::to_string(wall->site()), SiteCalled("Wall"));
  EXPECT_GT(wall->cost(), whole.separated_cost() / 2);
  EXPECT_EQ(wall->peak_bytes(), 64u * 40);
  EXPECT_EQ(filling->peak_bytes(), 64u * 10'000);
  EXPECT_EQ(filling->peak_blocks(), 64u);
  EXPECT_THAT(whole.blocks(0).called_by(), HasSubstr("Wall"));
  const std::string table = Out({"explain", run});
  EXPECT_THAT(table, AllOf(HasSubstr("CALL SITES THAT COST OR HOLD MOST"), HasSubstr("asked for by")));
  EXPECT_THAT(Out({"explain", run, "-o", "csv"}), HasSubstr("called by"));
}

TEST_F(CallSitesEndToEnd, AnOperationSaysWhoAskedAndWhoStandsInItsWay) {
  // What is live at the peak fits, and Larger() does not.
  const auto shown = Json<google::protobuf::Struct>({"trace", "show", trace_});
  const auto figure = [&](const char* name) { return static_cast<int>(shown.fields().at(name).number_value()); };
  const int arena = figure("peak_live_bytes") + 16 * figure("peak_live_blocks") + 8'000;
  const auto run = Json<v1::Run>({"submit", trace_, "--ram", "16Mi", "--heap-allocator", "freertos-heap4", "--param",
                                  "heap.arena_bytes=" + std::to_string(arena)});
  const std::string id = std::to_string(run.id());
  v1::Explanation larger;
  for (std::uint64_t i = run.operations_done(); i > 0 && larger.called_by().find("Larger") == std::string::npos; --i) {
    larger = Json<v1::Explanation>({"explain", id, std::to_string(i)});
  }
  ASSERT_EQ(larger.outcome(), v1::FRAGMENTED) << larger.DebugString();
  ASSERT_GT(larger.gap().between_size(), 0);
  EXPECT_THAT(larger.gap().between(0).called_by(), HasSubstr("Wall"));
  const std::string operation = std::to_string(larger.operation());
  EXPECT_THAT(Out({"explain", id, operation}), AllOf(HasSubstr("called by"), HasSubstr("Larger"), HasSubstr("Wall")));
  const std::string served = Submit(trace_);
  const auto freed = Json<v1::Explanation>({"explain", served, std::to_string(larger.operation() + 1)});
  EXPECT_THAT(freed.allocation_called_by(), HasSubstr("Larger"));
  EXPECT_EQ(freed.called_by(), "") << "a free has no call site";
}

TEST_F(CallSitesEndToEnd, OfFilesWithTheSameOperationsThoseOfTheLastCount) {
  const std::string bare = Path("bare.alloctrace");
  Out({"trace", "strip", trace_, "--into", bare});
  const std::string first = Submit(trace_);
  EXPECT_GT(Json<v1::RunExplanation>({"explain", first}).sites_size(), 0);
  const std::string second = Submit(bare);
  EXPECT_EQ(Json<v1::Run>({"runs", "show", first}).result().exact().trace_sha256(),
            Json<v1::Run>({"runs", "show", second}).result().exact().trace_sha256());
  EXPECT_EQ(Json<v1::RunExplanation>({"explain", first}).sites_size(), 0) << "the stripped file came last";
  Submit(trace_);
  EXPECT_GT(Json<v1::RunExplanation>({"explain", second}).sites_size(), 0);
}

}  // namespace
}  // namespace alloclab::client
