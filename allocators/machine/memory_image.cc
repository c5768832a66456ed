// Images of RAM: how PhysicalMemory makes them and goes back to them. Between two images it keeps a list of the frames that
// changed, so that neither costs more than what was touched since the last one.
#include "allocators/machine/memory_image.h"

#include <algorithm>
#include <utility>

#include "allocators/common/check.h"
#include "allocators/machine/physical_memory.h"

namespace alloclab {

std::uint64_t MemoryImage::HostBytes(absl::flat_hash_set<const void*>& counted) const {
  if (!counted.insert(this).second) return 0;
  std::uint64_t bytes = sizeof(*this) + leaves_.size() * sizeof(leaves_[0]) + fills_.size() * sizeof(fills_[0]);
  for (const auto& leaf : leaves_) {
    if (leaf == nullptr || !counted.insert(leaf.get()).second) continue;
    bytes += sizeof(Leaf);
    for (const Frame& frame : leaf->frames) {
      if (frame.words != nullptr && counted.insert(frame.words.get()).second) bytes += sizeof(FrameWords);
    }
  }
  return bytes;
}

PhysicalMemory::PhysicalMemory(const MemoryImage& image) : PhysicalMemory(image.size_bytes()) { Restore(image); }

void PhysicalMemory::MarkDirty(PageFrame frame) {
  State& state = StateOf(frame);
  if (!state.clean) return;
  state.clean = false;
  dirty_frames_.push_back(frame.number);
}

void PhysicalMemory::MarkLeafDirty(std::uint32_t leaf) {
  if (image_ == nullptr || leaf_is_dirty_[leaf] != 0) return;
  leaf_is_dirty_[leaf] = 1;
  dirty_leaves_.push_back(leaf);
}

// `before` is what an earlier image has for the frame: its words are shared if they are the same.
MemoryImage::Frame PhysicalMemory::FrameImage(const Leaf& leaf, std::uint32_t slot, const MemoryImage::Frame& before) {
  const State& state = leaf.states[slot];
  if (!state.real) return {nullptr, leaf.slots[slot].head, state.fill, state.pinned};
  const FrameWords& words = *leaf.slots[slot].words;
  if (before.words != nullptr && *before.words == words) return {before.words, {}, 0, state.pinned};
  return {std::make_shared<const FrameWords>(words), {}, 0, state.pinned};
}

std::shared_ptr<const MemoryImage::Leaf> PhysicalMemory::LeafImage(std::uint32_t leaf) const {
  const Leaf* live = FindLeaf(leaf);
  if (live == nullptr) return nullptr;
  auto image = std::make_shared<MemoryImage::Leaf>();
  for (std::uint32_t slot = 0; slot < kLeafFrames; ++slot) image->frames[slot] = FrameImage(*live, slot, {});
  return image;
}

std::shared_ptr<const MemoryImage> PhysicalMemory::TakeSnapshot() {
  ALLOCLAB_CHECK(undo_ == nullptr);
  if (image_ != nullptr && dirty_frames_.empty() && dirty_leaves_.empty()) return image_;
  const std::shared_ptr<MemoryImage> image(image_ != nullptr ? new MemoryImage(*image_) : new MemoryImage(frame_count_));
  if (image_ == nullptr) {
    for (std::uint32_t leaf = 0; leaf < leaf_at_.size(); ++leaf) image->leaves_[leaf] = LeafImage(leaf);
    image->fills_ = leaf_fill_;
  }
  for (const std::uint32_t leaf : dirty_leaves_) {
    image->leaves_[leaf] = LeafImage(leaf);
    image->fills_[leaf] = leaf_fill_[leaf];
  }
  AddDirtyFrames(*image);
  BecomeCleanAs(image);
  for (PointerKeeper* keeper : keepers_) keeper->ForgetWritablePointers();
  return image;
}

void PhysicalMemory::AddDirtyFrames(MemoryImage& image) {
  std::sort(dirty_frames_.begin(), dirty_frames_.end());
  for (auto frame = dirty_frames_.begin(); frame != dirty_frames_.end();) {
    const std::uint32_t leaf = *frame >> kLeafShift;
    const auto end = std::upper_bound(frame, dirty_frames_.end(), leaf * kLeafFrames + (kLeafFrames - 1));
    if (leaf_is_dirty_[leaf] == 0) {
      auto changed = image.leaves_[leaf] != nullptr ? std::make_shared<MemoryImage::Leaf>(*image.leaves_[leaf])
                                                    : std::make_shared<MemoryImage::Leaf>();
      if (image.leaves_[leaf] == nullptr) changed->frames.fill(MemoryImage::Frame::Filled(image.fills_[leaf]));
      for (; frame != end; ++frame) {
        MemoryImage::Frame& slot = changed->frames[*frame % kLeafFrames];
        slot = FrameImage(*FindLeaf(leaf), *frame % kLeafFrames, slot);
      }
      image.leaves_[leaf] = std::move(changed);
    }
    frame = end;
  }
}

// Every frame is as it is in `image` from now on, until it is written.
void PhysicalMemory::BecomeCleanAs(std::shared_ptr<const MemoryImage> image) {
  const auto clean_leaf = [this](std::uint32_t leaf) {
    if (Leaf* live = FindLeaf(leaf); live != nullptr) {
      for (State& state : live->states) state.clean = true;
    }
  };
  if (image_ == nullptr) {
    for (std::uint32_t leaf = 0; leaf < leaf_at_.size(); ++leaf) clean_leaf(leaf);
    leaf_is_dirty_.assign(leaf_at_.size(), 0);
  }
  for (const std::uint32_t leaf : dirty_leaves_) {
    clean_leaf(leaf);
    leaf_is_dirty_[leaf] = 0;
  }
  for (const std::uint32_t frame : dirty_frames_) {
    if (Leaf* live = FindLeaf(frame >> kLeafShift); live != nullptr) live->states[frame % kLeafFrames].clean = true;
  }
  dirty_leaves_.clear();
  dirty_frames_.clear();
  image_ = std::move(image);
}

void PhysicalMemory::Restore(const MemoryImage& image) {
  ALLOCLAB_CHECK(undo_ == nullptr);
  ALLOCLAB_CHECK_EQ(image.frame_count_, frame_count_);
  for (std::uint32_t leaf = 0; leaf < leaf_at_.size(); ++leaf) {
    if (image_ == nullptr || leaf_is_dirty_[leaf] != 0) {
      RestoreLeaf(leaf, image);
    } else if (image_->leaves_[leaf] != image.leaves_[leaf] || image_->fills_[leaf] != image.fills_[leaf]) {
      RestoreChangedFrames(leaf, image);
    }
  }
  for (const std::uint32_t frame : dirty_frames_) {
    const std::uint32_t leaf = frame >> kLeafShift, slot = frame % kLeafFrames;
    if (FindLeaf(leaf) != nullptr)
      RestoreFrame(PageFrame{frame}, image.FrameAt(leaf, slot));  // else the whole leaf was restored
  }
  BecomeCleanAs(image.shared_from_this());
  for (PointerKeeper* keeper : keepers_) keeper->ForgetAllPointers();
}

// The leaf's frames are as in image_, or dirty and restored one by one.
void PhysicalMemory::RestoreChangedFrames(std::uint32_t leaf, const MemoryImage& image) {
  if (image_->leaves_[leaf] == nullptr || image.leaves_[leaf] == nullptr) return RestoreLeaf(leaf, image);
  for (std::uint32_t slot = 0; slot < kLeafFrames; ++slot) {
    const MemoryImage::Frame& wanted = image.leaves_[leaf]->frames[slot];
    if (image_->leaves_[leaf]->frames[slot] != wanted) RestoreFrame(PageFrame{(leaf << kLeafShift) + slot}, wanted);
  }
}

void PhysicalMemory::RestoreLeaf(std::uint32_t leaf, const MemoryImage& image) {
  const Leaf* live = FindLeaf(leaf);
  if (live == nullptr || (image.leaves_[leaf] == nullptr && live->fixed_count == 0)) {
    if (live != nullptr) DropLeaf(leaf);
    leaf_fill_[leaf] = image.fills_[leaf];
  }
  if (image.leaves_[leaf] == nullptr && FindLeaf(leaf) == nullptr) return;
  for (std::uint32_t slot = 0; slot < kLeafFrames; ++slot) {
    RestoreFrame(PageFrame{(leaf << kLeafShift) + slot}, image.FrameAt(leaf, slot));
  }
}

void PhysicalMemory::RestoreFrame(PageFrame frame, const MemoryImage::Frame& wanted) {
  Leaf& leaf = TouchLeaf(frame.number >> kLeafShift);
  const std::uint32_t slot = frame.number % kLeafFrames;
  State& state = leaf.states[slot];
  if (wanted.words != nullptr) {
    Materialise(frame) = *wanted.words;
  } else {
    FillOne(leaf, slot, wanted.fill);
    std::uint32_t* head = state.real ? leaf.slots[slot].words->data() : leaf.slots[slot].head.data();
    std::copy(wanted.head.begin(), wanted.head.end(), head);
  }
  leaf.pinned_count += wanted.pinned - state.pinned;
  leaf.fixed_count += wanted.pinned && !state.fixed;
  state.pinned = wanted.pinned;
  state.fixed = state.fixed || wanted.pinned;
  state.clean = true;
}

}  // namespace alloclab
