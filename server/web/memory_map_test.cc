#include "server/web/memory_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

#include "allocators/workload/driver.h"

namespace alloclab::server {
namespace {

constexpr std::uint32_t kHeapStart = 0xC0400000;

InstanceConfig Ram(std::uint64_t bytes) {
  InstanceConfig config;
  config.ram_bytes = bytes;
  return config;
}

std::unique_ptr<Instance> MakeMachine(const InstanceConfig& config) {
  auto machine = Instance::Create(config);
  EXPECT_TRUE(machine.ok()) << machine.status();
  return *std::move(machine);
}

MapRequest Cells(std::uint32_t cells, std::uint32_t from = 0, std::uint32_t to = 0) {
  MapRequest request;
  request.cells = cells;
  request.from = from;
  request.to = to;
  return request;
}

v1::MemoryMap MapAll(Instance& machine, const MapRequest& request) {
  MemoryMapper mapper(request);
  while (!mapper.Look(machine)) continue;
  return mapper.Take();
}

std::uint64_t Sum(const google::protobuf::RepeatedField<std::uint32_t>& cells) {
  return std::accumulate(cells.begin(), cells.end(), std::uint64_t{0});
}

// The cells by their definition, byte by byte in words.
std::vector<std::uint32_t> ExpectedCells(const Instance& machine, const v1::HeapMap& map, BlockKind kind) {
  std::vector<std::uint32_t> cells(static_cast<std::size_t>(map.live_bytes_size()));
  machine.heap()->VisitBlocks({}, [&](const Block& block) {
    for (std::uint64_t at = block.address; at < block.address + block.bytes; at += kWordBytes) {
      if (block.kind != kind || at < map.from()) continue;
      const std::uint64_t cell = (at - map.from()) / map.cell_bytes();
      if (cell < cells.size()) cells[cell] += kWordBytes;
    }
    return true;
  });
  return cells;
}

std::uint64_t SumOfKinds(const v1::HeapMap& map) {
  return Sum(map.live_bytes()) + Sum(map.free_bytes()) + Sum(map.metadata_bytes());
}

void RandomOperations(Driver& driver, std::mt19937& random, int count) {
  std::vector<VirtAddr> live;
  for (int i = 0; i < count; ++i) {
    if (live.size() < 20 || random() % 5 < 3) {
      const OpResult result = driver.Malloc(static_cast<std::uint32_t>(1 + random() % 3000));
      if (result.outcome == Outcome::kOk) live.push_back(VirtAddr(result.address));
    } else {
      std::swap(live[random() % live.size()], live.back());
      driver.Free(live.back());
      live.pop_back();
    }
    if (random() % 20 == 0) driver.AllocatePages(static_cast<std::uint32_t>((1 + random() % 5) * kPageBytes));
  }
}

class MemoryMapTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    InstanceConfig config = Ram(16 << 20);
    config.parameters = {{"heap.engine", GetParam()}, {"pages.engine", GetParam()}};
    machine_ = MakeMachine(config);
  }
  std::unique_ptr<Instance> machine_;
};
INSTANTIATE_TEST_SUITE_P(Engines, MemoryMapTest, ::testing::Values("literal", "indexed"));

TEST_P(MemoryMapTest, FreshMachine) {
  const v1::MemoryMap map = MapAll(*machine_, Cells(64));
  EXPECT_EQ(map.heap().start(), kHeapStart);
  EXPECT_EQ(map.heap().from(), kHeapStart);
  EXPECT_EQ(map.heap().live_bytes_size(), 64);
  EXPECT_EQ(SumOfKinds(map.heap()), map.heap().brk() - map.heap().start());
  EXPECT_EQ(Sum(map.frames().heap()), machine_->costs().vm.mapped_frames);
  EXPECT_EQ(Sum(map.frames().page_tables()), machine_->costs().vm.page_table_frames);
  EXPECT_EQ(Sum(map.frames().free()) * kPageBytes, machine_->pages().Shape().free_bytes);
  EXPECT_EQ(Sum(map.frames().blocks()), 0);
  EXPECT_FALSE(map.torn());
  EXPECT_FALSE(map.partial());
}

TEST_P(MemoryMapTest, CellsAreTheSumsOfTheirWords) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  Driver driver(*machine_);
  for (int round = 0; round < 8; ++round) {
    RandomOperations(driver, random, 200);
    const std::uint32_t size = machine_->heap()->Shape().size_bytes();
    const auto offset = static_cast<std::uint32_t>(random() % size);
    const MapRequest requests[] = {Cells(16), Cells(2048), Cells(100, kHeapStart + offset, kHeapStart + offset + 5000)};
    for (const MapRequest& request : requests) {
      const v1::MemoryMap map = MapAll(*machine_, request);
      EXPECT_THAT(map.heap().live_bytes(), testing::ElementsAreArray(ExpectedCells(*machine_, map.heap(), BlockKind::kLive)));
      EXPECT_THAT(map.heap().free_bytes(), testing::ElementsAreArray(ExpectedCells(*machine_, map.heap(), BlockKind::kFree)));
      EXPECT_THAT(map.heap().metadata_bytes(),
                  testing::ElementsAreArray(ExpectedCells(*machine_, map.heap(), BlockKind::kMetadata)));
      EXPECT_EQ(map.heap().from() % map.heap().cell_bytes(), 0);
      EXPECT_EQ(Sum(map.frames().heap()), machine_->costs().vm.mapped_frames);
      EXPECT_EQ(Sum(map.frames().blocks()) * kPageBytes, driver.counters().page_live_bytes);
      EXPECT_EQ(Sum(map.frames().free()) * kPageBytes, machine_->pages().Shape().free_bytes);
    }
  }
}

// The machine goes on between looks, and frees what lies across the place where the last look ended.
TEST(MemoryMap, ManyBlocksTakeSeveralLooks) {
  constexpr std::uint32_t kPerLook = 100;
  const auto machine = MakeMachine(Ram(8 << 20));
  Driver driver(*machine);
  std::vector<VirtAddr> blocks;
  for (std::uint32_t i = 0; i < 3 * kPerLook; ++i) blocks.emplace_back(driver.Malloc(60).address);
  MapRequest request;
  request.cells = 128;
  request.blocks_per_look = kPerLook;
  MemoryMapper mapper(request);
  int looks = 1;
  for (; !mapper.Look(*machine); ++looks) {
    const std::size_t seam = static_cast<std::size_t>(looks) * kPerLook;
    for (std::size_t i = seam - 5; i < std::min(seam + 5, blocks.size()); ++i) driver.Free(blocks[i]);
  }
  EXPECT_GE(looks, 3);
  const v1::MemoryMap map = mapper.Take();
  EXPECT_TRUE(map.torn());
  // Every byte up to the break is counted once, whatever moved.
  EXPECT_EQ(SumOfKinds(map.heap()), map.heap().brk() - map.heap().start());
  EXPECT_GT(Sum(map.heap().free_bytes()), 0);
}

// The picture is torn only where somebody worked on the machine between two looks.
TEST(MemoryMap, SeveralLooksAtAnIdleMachineAreOneSnapshot) {
  InstanceConfig config = Ram(8 << 20);
  config.parameters = {{"heap.engine", "literal"}};
  const auto machine = MakeMachine(config);
  Driver driver(*machine);
  for (int i = 0; i < 1000; ++i) driver.Malloc(60);
  MapRequest request = Cells(128);
  request.blocks_per_look = 100;
  const v1::MemoryMap map = MapAll(*machine, request);
  EXPECT_FALSE(map.torn());
  EXPECT_THAT(map.heap().live_bytes(), testing::ElementsAreArray(ExpectedCells(*machine, map.heap(), BlockKind::kLive)));
  EXPECT_EQ(map.heap().blocks(), machine->heap()->Shape().blocks);
}

// What lies behind a broken place is in no cell, and the map says where that is and why.
TEST(MemoryMap, SaysWhereTheHeapIsBroken) {
  InstanceConfig config = Ram(8 << 20);
  config.guarded = false;
  const auto machine = MakeMachine(config);
  Driver driver(*machine);
  const std::uint32_t first = driver.Malloc(1000).address;
  const std::uint32_t second = driver.Malloc(1000).address;
  EXPECT_FALSE(MapAll(*machine, Cells(64)).heap().has_broken());
  ASSERT_TRUE(machine->space()->StoreU32(VirtAddr(second) - kWordBytes, 0));  // a header of no size
  const v1::HeapMap map = MapAll(*machine, Cells(64)).heap();
  ASSERT_TRUE(map.has_broken());
  EXPECT_EQ(map.broken().address(), second - kWordBytes);
  EXPECT_FALSE(map.broken().what().empty());
  EXPECT_EQ(Sum(map.live_bytes()), second - first);
  EXPECT_EQ(SumOfKinds(map), second - kWordBytes - map.start());
}

TEST(MemoryMapDeathTest, ChecksWhatItRequires) {
  EXPECT_DEATH(MemoryMapper{Cells(kMapCellsMin - 1)}, "kMapCellsMin");
  EXPECT_DEATH(MemoryMapper{Cells(kMapCellsMax + 1)}, "kMapCellsMax");
  const auto machine = MakeMachine(Ram(1 << 20)), other = MakeMachine(Ram(1 << 20));
  MemoryMapper mapper(Cells(64));
  mapper.Look(*machine);
  EXPECT_DEATH(mapper.Look(*other), "instance");
}

// The blocks of one cell: those that have a byte in it, as many as are told at most, the rest announced.
TEST_P(MemoryMapTest, TellsTheBlocksOfTheCellAskedFor) {
  Driver driver(*machine_);
  std::mt19937 random(7);
  RandomOperations(driver, random, 400);
  for (int i = 0; i < 4000; ++i) driver.Malloc(4);  // many in one cell
  const HeapShape shape = machine_->heap()->Shape();
  int crowded = 0, shared = 0;
  for (std::uint32_t at = shape.start.raw(); at < shape.brk.raw(); at += 1500) {
    MapRequest request = Cells(512);
    request.at = at;
    request.blocks_per_look = 64;  // the cell may lie across two looks
    const v1::HeapMap map = MapAll(*machine_, request).heap();
    const std::uint64_t first = at & ~(map.cell_bytes() - 1), end = first + map.cell_bytes();
    std::vector<std::uint32_t> expected;
    machine_->heap()->VisitBlocks({}, [&](const Block& block) {
      if (block.address < end && block.address + block.bytes > first) expected.push_back(block.address);
      return true;
    });
    EXPECT_EQ(map.at(), at);
    EXPECT_EQ(map.at_more(), expected.size() > std::size_t{kCellBlocksMax});
    expected.resize(std::min(expected.size(), std::size_t{kCellBlocksMax}));
    std::vector<std::uint32_t> told;
    for (const v1::Block& block : map.at_blocks()) told.push_back(block.address());
    EXPECT_EQ(told, expected) << "at " << at;
    crowded += map.at_more();
    shared += told.size() > 1;
  }
  EXPECT_GT(crowded, 0);
  EXPECT_GT(shared, crowded);
}

TEST_P(MemoryMapTest, TellsNoBlocksOutsideTheCells) {
  for (const std::uint32_t at : {std::uint32_t{1}, kHeapStart - 4, UINT32_MAX}) {
    MapRequest request = Cells(16, kHeapStart, kHeapStart + 4096);
    request.at = at;
    const v1::HeapMap map = MapAll(*machine_, request).heap();
    EXPECT_EQ(map.at(), at);
    EXPECT_EQ(map.at_blocks_size(), 0);
  }
}

TEST(MemoryMap, WithoutAHeapThereAreFramesOnly) {
  InstanceConfig config = Ram(1 << 20);
  config.heap_allocator = "none";
  const auto machine = MakeMachine(config);
  const v1::MemoryMap map = MapAll(*machine, Cells(4096));
  EXPECT_FALSE(map.has_heap());
  EXPECT_EQ(map.frames().free_size(), 256);
  EXPECT_EQ(map.frames().cell_frames(), 1);
  EXPECT_EQ(Sum(map.frames().page_tables()), 0);
}

TEST(MemoryMap, RangesOutsideTheHeapAreEmptyNotWrong) {
  const auto machine = MakeMachine(Ram(8 << 20));
  for (const auto& [from, to] : std::vector<std::pair<std::uint32_t, std::uint32_t>>{
           {1, 2}, {0xF0000000, 0xFFFFFFFF}, {kHeapStart, UINT32_MAX}, {1, UINT32_MAX}, {UINT32_MAX - 1, UINT32_MAX}}) {
    for (const std::uint32_t cells : {kMapCellsMin, kMapCellsMax}) {
      const v1::MemoryMap map = MapAll(*machine, Cells(cells, from, to));
      EXPECT_LE(map.heap().live_bytes_size(), static_cast<int>(cells));
      EXPECT_LE(Sum(map.heap().live_bytes()), machine->heap()->Shape().size_bytes());
    }
  }
}

// A broken chain is drawn as far as it makes sense, and never hangs.
TEST(MemoryMap, BrokenHeapsAreDrawnToo) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  InstanceConfig config = Ram(8 << 20);
  config.guarded = false;
  const auto machine = MakeMachine(config);
  Driver driver(*machine);
  for (int i = 0; i < 500; ++i) driver.Malloc(static_cast<std::uint32_t>(random() % 200));
  const HeapShape shape = machine->heap()->Shape();
  for (int i = 0; i < 200; ++i) {
    const VirtAddr word = shape.start + static_cast<std::uint32_t>(random() % (shape.size_bytes() / 4)) * 4;
    ASSERT_TRUE(machine->space()->StoreU32(word, static_cast<std::uint32_t>(random())));
    const v1::MemoryMap map = MapAll(*machine, Cells(256));
    for (int cell = 0; cell < map.heap().live_bytes_size(); ++cell) {
      ASSERT_LE(map.heap().live_bytes(cell) + map.heap().free_bytes(cell), map.heap().cell_bytes());
    }
  }
}

}  // namespace
}  // namespace alloclab::server
