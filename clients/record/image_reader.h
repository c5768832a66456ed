// Takes the records of one image out of the rings of its threads, in the order of their numbers.
#ifndef ALLOCLAB_CLIENTS_RECORD_IMAGE_READER_H_
#define ALLOCLAB_CLIENTS_RECORD_IMAGE_READER_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "clients/record/image_heap.h"
#include "clients/record/ring_cursor.h"
#include "recorder/layout.h"

namespace alloclab::client {

class ImageReader {
 public:
  // At kFork records, `fork` gets their number.
  using Fork = std::function<void(std::uint64_t sequence)>;

  ImageReader(recorder::Memory& memory, recorder::Image& image, std::function<TraceOutput*()> output, Fork fork);
  ~ImageReader();
  ImageReader(const ImageReader&) = delete;
  ImageReader& operator=(const ImageReader&) = delete;

  std::uint64_t serial() const { return serial_; }
  std::uint64_t parent() const { return parent_; }
  std::uint64_t fork_sequence() const { return fork_sequence_; }
  std::uint32_t pid() const { return pid_; }
  const std::string& program() const { return program_; }
  const std::string& command() const { return command_; }
  ImageHeap& heap() { return heap_; }
  // Whether its records may be read: whoever reads all says when.
  bool opened() const { return opened_; }
  void SetOpened() { opened_ = true; }
  // All before this number were read.
  std::uint64_t next() const { return next_; }

  // The process has ended, or runs another program.
  bool Ended();
  void SetEnded() { ended_ = true; }

  // A ring of this image, found by the reader of all.
  void AddRing(std::uint32_t ring) { rings_.emplace_back(memory_.rings[ring], memory_.words[ring]); }
  // Reads what is there now; returns how many records, at least 1 if anything moves. A number that is missing is waited for,
  // for a second: its thread may have been stopped before it wrote; after the image has ended, not at all.
  std::uint64_t Read(std::chrono::steady_clock::time_point now);
  // Gives back the rings of threads that are no more.
  void DropDeadThreads();
  // After the last record: gives back rings and image.
  void GiveBack();

  std::vector<std::string> Notes() const;

 private:
  std::uint64_t ReadRuns();
  bool SkipGap(std::chrono::steady_clock::time_point now);
  void Release(RingCursor& cursor) const;

  recorder::Memory& memory_;
  recorder::Image& image_;
  const Fork fork_;
  const std::uint64_t serial_, parent_, fork_sequence_;
  const std::uint32_t pid_;
  const std::string program_, command_;
  const int process_;  // pidfd; -1: it has ended
  bool ended_ = false, opened_ = false;
  std::vector<RingCursor> rings_;
  ImageHeap heap_;
  std::uint64_t next_ = 1, missing_ = 0;
  bool damaged_ = false;
  std::chrono::steady_clock::time_point gap_since_ = {};
};

}  // namespace alloclab::client

#endif  // ALLOCLAB_CLIENTS_RECORD_IMAGE_READER_H_
