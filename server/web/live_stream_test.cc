#include "server/web/live_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace alloclab::server {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// A stream of something that a test changes, by a clock that it sets.
class LiveStreamTest : public ::testing::Test {
 protected:
  LiveStreamTest() {
    figures_.mutable_instance()->mutable_instance()->set_operations(1);
    figures_.mutable_instance()->mutable_statistics()->set_host_bytes(77);
    map_.mutable_heap()->add_live_bytes(10);
  }
  LiveSource Source() {
    return {.figures = [this]() -> absl::StatusOr<v1::LiveFigures> {
              if (!trouble_.ok()) return trouble_;
              figures_.mutable_instance()->mutable_time()->set_seconds(++seconds_);
              return figures_;
            },
            .map = [this](const MapRequest& request) -> absl::StatusOr<SharedMap> {
              ++looks_;
              asked_ = request;
              if (!map_trouble_.ok()) return map_trouble_;
              return std::make_shared<const v1::MemoryMap>(map_);
            },
            .allowed = [this] { return allowed_; }};
  }
  std::string Next() { return stream_.Next().value_or("over"); }

  v1::LiveFigures figures_;
  v1::MemoryMap map_;
  absl::Status trouble_, map_trouble_, allowed_;
  int seconds_ = 0, looks_ = 0;
  MapRequest asked_;
  MonotonicTime now_ = MonotonicTime::Now();
  LiveStream stream_{"name", Source(), {.cells = 64}, [this] { return now_; }};
};

TEST_F(LiveStreamTest, BeginsWithAllAndGoesOnWithWhatHasChanged) {
  const std::string first = Next();
  EXPECT_THAT(first, StartsWith("id: name\nevent: figures\ndata: {"));
  EXPECT_THAT(
      first, AllOf(HasSubstr("\"host_bytes\":\"77\""), HasSubstr("\n\nevent: map\ndata: {"), HasSubstr("\"live_bytes\":[10]")));
  EXPECT_TRUE(first.ends_with("}\n\n"));
  EXPECT_EQ(asked_.cells, 64u);
  EXPECT_EQ(Next(), "") << "the time alone is no news";
  EXPECT_EQ(looks_, 1) << "nor is the machine looked at";

  figures_.mutable_instance()->mutable_instance()->set_operations(2);
  map_.mutable_heap()->set_live_bytes(0, 20);
  const std::string second = Next();
  EXPECT_THAT(second,
              StartsWith("event: figures-change\ndata: {\"instance\":{\"instance\":{\"operations\":\"2\"},\"time\":\""));
  EXPECT_THAT(second, Not(HasSubstr("host_bytes")));
  EXPECT_THAT(second, HasSubstr("\n\nevent: map-change\ndata: {\"heap\":{\"live_bytes\":{\"0\":[20]}}}\n\n"));
  EXPECT_EQ(Next(), "");
}

TEST_F(LiveStreamTest, LooksElsewhereAtOnceWhenItIsAsked) {
  EXPECT_TRUE(stream_.Hurries());
  Next();
  EXPECT_FALSE(stream_.Hurries());
  map_.mutable_heap()->set_from(4096);
  stream_.LookAt({.cells = 64, .from = 4096, .to = 8192});
  EXPECT_TRUE(stream_.Hurries());
  EXPECT_EQ(Next(), "event: map-change\ndata: {\"heap\":{\"from\":4096}}\n\n");
  EXPECT_EQ(asked_.from, 4096u);
  EXPECT_FALSE(stream_.Hurries());
}

TEST_F(LiveStreamTest, TriesAgainWhenTheMachineIsBusy) {
  map_trouble_ = absl::DeadlineExceededError("busy");
  EXPECT_THAT(Next(), Not(HasSubstr("event: map")));
  EXPECT_TRUE(stream_.Hurries());
  map_trouble_ = absl::OkStatus();
  EXPECT_THAT(Next(), StartsWith("event: map\n"));
}

TEST_F(LiveStreamTest, SaysThatItIsThere) {
  Next();
  now_ = now_ + (kLiveHeartbeat - absl::Nanoseconds(1));
  EXPECT_EQ(Next(), "");
  now_ = now_ + absl::Nanoseconds(1);
  EXPECT_EQ(Next(), ":\n\n");
  EXPECT_EQ(Next(), "");
}

TEST_F(LiveStreamTest, EndsWhenNothingHappens) {
  Next();
  now_ = now_ + (kLiveIdleMax - absl::Nanoseconds(1));
  EXPECT_EQ(Next(), ":\n\n") << "which is no news";
  now_ = now_ + absl::Nanoseconds(1);
  EXPECT_THAT(Next(), AllOf(StartsWith("event: end\ndata: "), HasSubstr("nothing has changed for 15m")));
  EXPECT_EQ(stream_.Next(), std::nullopt);
}

TEST_F(LiveStreamTest, EndsWithItsMachineItsRunAndThePermission) {
  Next();
  trouble_ = absl::NotFoundError("it was deleted");
  EXPECT_EQ(Next(), "event: end\ndata: {\"code\":\"NOT_FOUND\",\"message\":\"it was deleted\",\"page\":\"\"}\n\n");
  EXPECT_EQ(Next(), "over");

  LiveStream refused("name", Source(), {}, [this] { return now_; });
  allowed_ = absl::UnauthenticatedError("not any more");
  EXPECT_EQ(refused.Next(), "event: end\ndata: {\"code\":\"UNAUTHENTICATED\",\"message\":\"not any more\",\"page\":\"\"}\n\n");
  allowed_ = trouble_ = absl::OkStatus();

  figures_.clear_instance();
  figures_.mutable_run()->mutable_run()->set_state(v1::Run::SUCCEEDED);
  LiveStream run("name",
                 {.figures = [this]() -> absl::StatusOr<v1::LiveFigures> { return figures_; },
                  .map = Source().map,
                  .allowed = Source().allowed},
                 {}, [this] { return now_; });
  EXPECT_THAT(run.Next().value_or(""), AllOf(HasSubstr("SUCCEEDED"), HasSubstr("event: end\n"), HasSubstr("the run is over")));
  EXPECT_EQ(run.Next(), std::nullopt);
}

TEST_F(LiveStreamTest, AreBoundedInAllAndOfOneClient) {
  LiveStreams streams;
  std::vector<std::shared_ptr<HttpStream>> open;
  const auto add = [&](const std::string& client) {
    auto stream = streams.Open({client}, Source(), {});
    if (stream.ok()) open.push_back(*stream);
    return stream.status();
  };
  for (std::size_t i = 0; i < kLiveStreamsPerClientMax; ++i) EXPECT_TRUE(add("192.0.2.1").ok());
  EXPECT_TRUE(absl::IsResourceExhausted(add("192.0.2.1")));
  for (std::size_t i = kLiveStreamsPerClientMax; i < kLiveStreamsMax; ++i) {
    EXPECT_TRUE(add("192.0.2.1" + std::to_string(i / kLiveStreamsPerClientMax)).ok());
  }
  const absl::Status full = add("192.0.2.99");
  EXPECT_TRUE(absl::IsResourceExhausted(full));
  EXPECT_THAT(std::string(full.message()), HasSubstr("32 live streams"));
  open.clear();
  EXPECT_TRUE(add("192.0.2.1").ok()) << "who leaves makes room";
}

TEST_F(LiveStreamTest, AreFoundByTheirNames) {
  LiveStreams streams;
  auto stream = streams.Open({"192.0.2.1"}, Source(), {});
  ASSERT_TRUE(stream.ok());
  const std::string first = (*stream)->Next().value_or("");
  const std::string name = first.substr(4, 16);
  EXPECT_TRUE(streams.LookAt(name, {.cells = 128}).ok());
  EXPECT_TRUE((*stream)->Hurries());
  (*stream)->Next();
  EXPECT_EQ(asked_.cells, 128u);
  EXPECT_TRUE(absl::IsNotFound(streams.LookAt("0123456789abcdef", {})));
  stream->reset();
  EXPECT_TRUE(absl::IsNotFound(streams.LookAt(name, {})));
}

}  // namespace
}  // namespace alloclab::server
