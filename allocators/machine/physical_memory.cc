#include "allocators/machine/physical_memory.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "absl/strings/str_format.h"
#include "allocators/common/check.h"

namespace alloclab {

static_assert(std::endian::native == std::endian::little, "frames are kept as host words");

absl::Status PhysicalMemory::ValidateSize(std::uint64_t bytes) {
  if (bytes >= kBytesMin && bytes <= kBytesMax && bytes % kPageBytes == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrFormat(
      "RAM size %d: expected a multiple of %d bytes from 16 KiB (%d) to 4 GiB (%d)", bytes, kPageBytes, kBytesMin, kBytesMax));
}

PhysicalMemory::Leaf::Leaf(std::uint8_t fill_byte) {
  states.fill({.fill = fill_byte});
  for (Slot& slot : slots) slot.head.fill(kFillWord * fill_byte);
}

PhysicalMemory::Leaf::~Leaf() {
  for (std::uint32_t slot = 0; slot < kLeafFrames; ++slot) {
    if (states[slot].real && !states[slot].in_slab) delete slots[slot].words;
  }
}

void PhysicalMemory::Leaf::SetLazy(std::uint32_t slot, std::uint8_t fill_byte) {
  if (states[slot].real) delete slots[slot].words;
  states[slot].real = false;
  states[slot].fill = fill_byte;
  slots[slot].head.fill(kFillWord * fill_byte);
}

PhysicalMemory::PhysicalMemory(std::uint64_t bytes)
    : frame_count_(static_cast<std::uint32_t>(bytes >> kPageShift)),
      leaf_at_((frame_count_ + kLeafFrames - 1) >> kLeafShift, 0),
      leaf_fill_(leaf_at_.size(), 0) {
  ALLOCLAB_CHECK_GE(bytes, kBytesMin);
  ALLOCLAB_CHECK_LE(bytes, kBytesMax);
  ALLOCLAB_CHECK_EQ(bytes % kPageBytes, 0u);
}

PhysicalMemory::~PhysicalMemory() = default;

PhysicalMemory::Leaf& PhysicalMemory::MakeLeaf(std::uint32_t leaf) {
  if (dropped_.empty()) {
    leaves_.emplace_back();
    dropped_.push_back(static_cast<std::uint16_t>(leaves_.size()));
  }
  leaf_at_[leaf] = dropped_.back();
  dropped_.pop_back();
  Leaf& made = *(leaves_[leaf_at_[leaf] - 1] = std::make_unique<Leaf>(leaf_fill_[leaf]));
  if (image_ != nullptr && leaf_is_dirty_[leaf] == 0) {
    for (State& state : made.states) state.clean = true;
  }
  return made;
}

void PhysicalMemory::DropLeaf(std::uint32_t leaf) {
  const auto& states = FindLeaf(leaf)->states;
  loose_frames_ -= std::count_if(states.begin(), states.end(), [](const State& state) { return state.real && !state.in_slab; });
  leaves_[leaf_at_[leaf] - 1].reset();
  dropped_.push_back(leaf_at_[leaf]);
  leaf_at_[leaf] = 0;
}

std::optional<std::uint32_t> PhysicalMemory::LoadUnaligned(PhysAddr address) const {
  std::array<std::uint8_t, kWordBytes> bytes;
  if (!Read(address, bytes)) return std::nullopt;
  return std::bit_cast<std::uint32_t>(bytes);
}

bool PhysicalMemory::StoreUnaligned(PhysAddr address, std::uint32_t value) {
  return Write(address, std::bit_cast<std::array<std::uint8_t, kWordBytes>>(value));
}

bool PhysicalMemory::Read(PhysAddr address, std::span<std::uint8_t> out) const {
  if (!Contains(address, out.size())) return false;
  while (!out.empty()) {
    const std::uint32_t frame = address.page();
    const auto piece = std::min<std::size_t>(out.size(), kPageBytes - address.offset());
    const Leaf* leaf = FindLeaf(frame >> kLeafShift);
    if (leaf == nullptr) {
      std::memset(out.data(), leaf_fill_[frame >> kLeafShift], piece);
    } else if (const std::uint32_t slot = frame % kLeafFrames; leaf->states[slot].real) {
      std::memcpy(out.data(), std::as_bytes(std::span(*leaf->slots[slot].words)).data() + address.offset(), piece);
    } else {
      std::memset(out.data(), leaf->states[slot].fill, piece);
      const auto& head = leaf->slots[slot].head;
      if (address.offset() < sizeof(head)) {
        std::memcpy(out.data(), std::as_bytes(std::span(head)).data() + address.offset(),
                    std::min<std::size_t>(piece, sizeof(head) - address.offset()));
      }
    }
    out = out.subspan(piece);
    address = address + static_cast<std::uint32_t>(piece);
  }
  return true;
}

bool PhysicalMemory::Write(PhysAddr address, std::span<const std::uint8_t> bytes) {
  if (!Contains(address, bytes.size())) return false;
  while (!bytes.empty()) {
    const auto piece = std::min<std::size_t>(bytes.size(), kPageBytes - address.offset());
    BeforeWrite(address, static_cast<std::uint32_t>(piece));
    Put(address, bytes.first(piece));
    bytes = bytes.subspan(piece);
    address = address + static_cast<std::uint32_t>(piece);
  }
  return true;
}

// Bytes of one frame.
void PhysicalMemory::Put(PhysAddr first, std::span<const std::uint8_t> bytes) {
  FrameWords& words = Materialise(FrameOf(first));
  std::memcpy(std::as_writable_bytes(std::span(words)).data() + first.offset(), bytes.data(), bytes.size());
}

PhysicalMemory::FrameWords& PhysicalMemory::Materialise(PageFrame frame) {
  Leaf& leaf = TouchLeaf(frame.number >> kLeafShift);
  const std::uint32_t slot = frame.number % kLeafFrames;
  State& state = leaf.states[slot];
  if (!state.real) {
    FrameWords* words = state.fixed ? slabs_.Make() : std::make_unique_for_overwrite<FrameWords>().release();
    words->fill(kFillWord * state.fill);
    std::copy(leaf.slots[slot].head.begin(), leaf.slots[slot].head.end(), words->begin());
    leaf.slots[slot].words = words;
    state.real = true;
    state.in_slab = state.fixed;
    loose_frames_ += !state.in_slab;
  }
  return *leaf.slots[slot].words;
}

void PhysicalMemory::FillOne(Leaf& leaf, std::uint32_t slot, std::uint8_t value) {
  if (leaf.states[slot].real && leaf.states[slot].fixed) {
    leaf.slots[slot].words->fill(kFillWord * value);
    return;
  }
  loose_frames_ -= leaf.states[slot].real;
  leaf.SetLazy(slot, value);
}

bool PhysicalMemory::FillFrames(PageFrame first, std::uint32_t count, std::uint8_t value) {
  if (std::uint64_t{first.number} + count > frame_count_) return false;
  if (undo_ != nullptr) RecordFrames(first, count);
  for (std::uint32_t frame = first.number, end = first.number + count; frame < end;) {
    const std::uint32_t leaf = frame >> kLeafShift, slot = frame % kLeafFrames;
    const std::uint32_t frames = std::min(end - frame, kLeafFrames - slot);
    const bool whole = frames == kLeafFrames || frames == frame_count_ - frame;
    Leaf* held = FindLeaf(leaf);
    if (slot == 0 && whole && (held == nullptr || held->fixed_count == 0)) {
      if (held != nullptr) DropLeaf(leaf);
      MarkLeafDirty(leaf);
      leaf_fill_[leaf] = value;
    } else {
      Leaf& touched = TouchLeaf(leaf);
      for (std::uint32_t i = 0; i < frames; ++i) {
        MarkDirty(PageFrame{frame + i});
        if (touched.states[slot + i].table) BeforeWriteToTable();
        FillOne(touched, slot + i, value);
      }
    }
    frame += frames;
  }
  return true;
}

PhysicalMemory::FrameWords& PhysicalMemory::MaterialiseFixed(PageFrame frame) {
  Leaf& leaf = TouchLeaf(frame.number >> kLeafShift);
  State& state = leaf.states[frame.number % kLeafFrames];
  leaf.fixed_count += !state.fixed;
  state.fixed = true;
  return state.real ? *leaf.slots[frame.number % kLeafFrames].words : Materialise(frame);
}

const PhysicalMemory::FrameWords* PhysicalMemory::WordsToRead(PageFrame frame) {
  return frame.number < frame_count_ ? &MaterialiseFixed(frame) : nullptr;
}

PhysicalMemory::FrameWords* PhysicalMemory::WordsToWrite(PageFrame frame, std::uint32_t offset, std::uint32_t bytes) {
  ALLOCLAB_CHECK_LE(std::uint64_t{offset} + bytes, kPageBytes);
  if (frame.number >= frame_count_) return nullptr;
  BeforeWrite(frame.base() + offset, bytes);
  return &MaterialiseFixed(frame);
}

bool PhysicalMemory::Pin(PageFrame frame) {
  if (frame.number >= frame_count_) return false;
  Leaf& leaf = TouchLeaf(frame.number >> kLeafShift);
  State& state = leaf.states[frame.number % kLeafFrames];
  if (state.pinned) return true;
  MarkDirty(frame);
  if (undo_ != nullptr) undo_->RecordPinned(frame, false);
  leaf.fixed_count += !state.fixed;
  ++leaf.pinned_count;
  state.pinned = state.fixed = true;
  return true;
}

bool PhysicalMemory::Unpin(PageFrame frame) {
  if (frame.number >= frame_count_) return false;
  Leaf* leaf = FindLeaf(frame.number >> kLeafShift);
  if (leaf == nullptr || !leaf->states[frame.number % kLeafFrames].pinned) return true;
  MarkDirty(frame);
  if (undo_ != nullptr) undo_->RecordPinned(frame, true);
  --leaf->pinned_count;
  leaf->states[frame.number % kLeafFrames].pinned = false;
  return true;
}

void PhysicalMemory::BeforeWrite(PhysAddr first, std::uint32_t bytes) {
  MarkDirty(FrameOf(first));
  if (undo_ != nullptr) undo_->RecordBytes(*this, first, bytes);
  if (IsTable(FrameOf(first))) BeforeWriteToTable();
}

void PhysicalMemory::BeforeWriteToTable() {
  for (PointerKeeper* keeper : keepers_) keeper->ForgetAllPointers();
}

bool PhysicalMemory::MarkTable(PageFrame frame) {
  if (frame.number >= frame_count_) return false;
  State& state = StateOf(frame);
  if (state.table) return false;
  MaterialiseFixed(frame);
  if (undo_ != nullptr) undo_->RecordNoTable(frame);
  return state.table = true;
}

bool PhysicalMemory::IsTable(PageFrame frame) const {
  const Leaf* leaf = frame.number < frame_count_ ? FindLeaf(frame.number >> kLeafShift) : nullptr;
  return leaf != nullptr && leaf->states[frame.number % kLeafFrames].table;
}

void PhysicalMemory::StoreEntry(PhysAddr address, std::uint32_t entry) {
  ALLOCLAB_CHECK_EQ(address.raw() % kWordBytes, 0u);
  if (!Contains(address, kWordBytes)) return;
  MarkDirty(FrameOf(address));
  if (undo_ != nullptr) undo_->RecordBytes(*this, address, kWordBytes);
  Materialise(FrameOf(address))[address.offset() / kWordBytes] = entry;
}

void PhysicalMemory::BeginUndoable() {
  ALLOCLAB_CHECK(undo_ == nullptr);
  if (undo_log_ == nullptr) undo_log_ = std::make_unique<UndoLog>();
  undo_ = undo_log_.get();
}

void PhysicalMemory::EndUndoable(bool undo) {
  undo_ = nullptr;
  undo ? undo_log_->Undo(*this) : undo_log_->Clear();
}

void PhysicalMemory::RecordFrames(PageFrame first, std::uint32_t count) {
  for (std::uint32_t frame = first.number, end = first.number + count; frame < end; ++frame) {
    const Leaf* leaf = FindLeaf(frame >> kLeafShift);
    const std::uint32_t slot = frame % kLeafFrames;
    if (leaf == nullptr) {
      undo_->RecordFill(PageFrame{frame}, 1, leaf_fill_[frame >> kLeafShift]);
    } else if (leaf->states[slot].real) {
      undo_->RecordBytes(*this, PageFrame{frame}.base(), kPageBytes);
    } else {
      const Slot& words = leaf->slots[slot];
      const std::uint32_t plain = kFillWord * leaf->states[slot].fill;
      if (words.head[0] != plain || words.head[1] != plain)
        undo_->RecordBytes(*this, PageFrame{frame}.base(), sizeof(words.head));
      undo_->RecordFill(PageFrame{frame}, 1, leaf->states[slot].fill);
    }
  }
}

bool PhysicalMemory::AnyPinned(PageFrame first, std::uint32_t count) const {
  const std::uint64_t end = std::min<std::uint64_t>(std::uint64_t{first.number} + count, frame_count_);
  for (std::uint64_t frame = first.number; frame < end;) {
    const Leaf* leaf = FindLeaf(static_cast<std::uint32_t>(frame >> kLeafShift));
    const std::uint64_t leaf_end = std::min<std::uint64_t>(end, (frame | (kLeafFrames - 1)) + 1);
    if (leaf != nullptr && leaf->pinned_count != 0) {
      const auto from = leaf->states.begin() + static_cast<std::ptrdiff_t>(frame % kLeafFrames);
      const auto is_pinned = [](const State& state) { return state.pinned; };
      if (std::any_of(from, from + static_cast<std::ptrdiff_t>(leaf_end - frame), is_pinned)) return true;
    }
    frame = leaf_end;
  }
  return false;
}

std::uint64_t PhysicalMemory::host_bytes() const {
  return sizeof(*this) + leaf_at_.size() * (sizeof(leaf_at_[0]) + sizeof(leaf_fill_[0])) +
         leaves_.capacity() * sizeof(leaves_[0]) + (leaves_.size() - dropped_.size()) * sizeof(Leaf) +
         dropped_.capacity() * sizeof(dropped_[0]) + leaf_is_dirty_.capacity() +
         (dirty_frames_.capacity() + dirty_leaves_.capacity()) * sizeof(dirty_frames_[0]) +
         (undo_log_ != nullptr ? undo_log_->host_bytes() : 0) + loose_frames_ * sizeof(FrameWords) + slabs_.host_bytes();
}

}  // namespace alloclab
