#include "server/converters/batch_converter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "server/limits.h"

namespace alloclab::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

v1::Batch BatchOf(const std::string& kinds) {
  v1::Batch batch;
  batch.set_kinds(kinds);
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    batch.add_blocks(static_cast<std::uint32_t>(i));
    batch.add_sizes(16);
  }
  return batch;
}

std::string Refusal(const v1::Batch& batch) {
  BatchWork work;
  const absl::Status status = FromProto(batch, work);
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  return std::string(status.message());
}

TEST(BatchFromProto, TakesOverEveryFieldOfEveryOperation) {
  v1::Batch batch;
  batch.set_kinds(std::string({static_cast<char>(OpKind::kMalloc), static_cast<char>(OpKind::kRealloc)}));
  for (const std::uint32_t block : {3u, 9u}) batch.add_blocks(block);
  for (const std::uint32_t size : {16u, 32u}) batch.add_sizes(size);
  for (const std::uint32_t extra : {0u, 3u}) batch.add_extras(extra);
  BatchWork work;
  ASSERT_TRUE(FromProto(batch, work).ok());
  EXPECT_THAT(work.operations, ElementsAre(Operation{OpKind::kMalloc, 3, 16, 0}, Operation{OpKind::kRealloc, 9, 32, 3}));
  EXPECT_EQ(work.results.size(), 2u);
}

TEST(BatchFromProto, ExtrasMayBeLeftOut) {
  BatchWork work;
  ASSERT_TRUE(FromProto(BatchOf(std::string(1, static_cast<char>(OpKind::kMalloc))), work).ok());
  EXPECT_EQ(work.operations[0].extra, 0u);
}

TEST(BatchFromProto, NeedIsOneMoreThanTheLargestHandleOfEachKind) {
  v1::Batch batch = BatchOf(std::string(
      {static_cast<char>(OpKind::kMalloc), static_cast<char>(OpKind::kAllocatePages), static_cast<char>(OpKind::kRealloc)}));
  batch.set_blocks(0, 4);
  batch.set_blocks(1, 11);
  for (const std::uint32_t extra : {0u, 0u, 40u}) batch.add_extras(extra);
  BatchWork work;
  ASSERT_TRUE(FromProto(batch, work).ok());
  EXPECT_EQ(work.need.heap, 41u);
  EXPECT_EQ(work.need.pages, 12u);
}

TEST(BatchFromProto, NullNeedsNoHandle) {
  v1::Batch batch = BatchOf(std::string(1, static_cast<char>(OpKind::kFree)));
  batch.set_blocks(0, kNoBlock);
  BatchWork work;
  ASSERT_TRUE(FromProto(batch, work).ok());
  EXPECT_EQ(work.need.heap, 0u);
}

TEST(BatchFromProto, RefusalsNameTheArrayAndTheElement) {
  v1::Batch batch = BatchOf(std::string(2, '\0'));
  batch.add_sizes(1);
  EXPECT_EQ(Refusal(batch), "sizes: 3 elements, but kinds has 2");
  batch = BatchOf(std::string(2, '\0'));
  batch.add_extras(1);
  EXPECT_EQ(Refusal(batch), "extras: 1 elements, but kinds has 2");
  EXPECT_EQ(Refusal(BatchOf(std::string("\0\x07", 2))), "kinds[1]: 7 is no OpKind; 0 to 6 are");
  batch = BatchOf(std::string(1, '\0'));
  batch.set_blocks(0, kHandlesPerInstanceMax);
  EXPECT_EQ(Refusal(batch), "blocks[0]: handle 4194304 is not below 4194304");
  EXPECT_EQ(Refusal(BatchOf(std::string(kBatchOperationsMax + 1, '\0'))),
            "kinds: 65537 operations in one batch; at most 65536 are allowed");
}

BatchWork Done(std::initializer_list<OpResult> results) {
  BatchWork work;
  work.results = results;
  return work;
}

TEST(BatchReplyToProto, HasAddressesAndOutcomes) {
  v1::BatchReply reply;
  ToProto(Done({{Outcome::kOk, 0x1000}, {Outcome::kOutOfMemory, 0}, {Outcome::kZeroSize, 0}}), /*quiet=*/false, reply);
  EXPECT_EQ(reply.operations(), 3u);
  EXPECT_EQ(reply.failed(), 1u) << "a request for nothing has not failed";
  EXPECT_THAT(reply.addresses(), ElementsAre(0x1000u, 0u, 0u));
  EXPECT_EQ(reply.outcomes(),
            std::string({0, static_cast<char>(Outcome::kOutOfMemory), static_cast<char>(Outcome::kZeroSize)}));
}

TEST(BatchReplyToProto, AQuietOneTellsOutcomesOnlyIfOneIsNotOk) {
  v1::BatchReply reply;
  ToProto(Done({{Outcome::kOutOfMemory, 0}}), /*quiet=*/true, reply);
  EXPECT_EQ(reply.outcomes().size(), 1u);
  EXPECT_THAT(reply.addresses(), IsEmpty());
  ToProto(Done({{Outcome::kOk, 0x1000}}), /*quiet=*/true, reply);
  EXPECT_THAT(reply.outcomes(), IsEmpty()) << "left from the reply before";
  EXPECT_EQ(reply.failed(), 0u);
}

}  // namespace
}  // namespace alloclab::server
