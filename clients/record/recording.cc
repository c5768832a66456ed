#include "clients/record/recording.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "clients/record/child_program.h"
#include "clients/record/image_reader.h"
#include "clients/record/shared_memory.h"
#include "clients/record/site_namer.h"
#include "clients/record/trace_output.h"

namespace alloclab::client {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kExtension = ".alloctrace";
constexpr std::size_t kForksKept = 256, kForkBlocksKept = 1 << 22;  // of children that have not come yet
constexpr std::chrono::milliseconds kThreadsCheckedEvery{50};
constexpr std::chrono::milliseconds kGrace{200};  // for a process that was started last, to come
constexpr int kNapMilliseconds = 2;               // or until a ring is half full
constexpr std::uint64_t kManyRecords = 4096;      // that were written while the last were read: no nap

std::string_view BaseName(std::string_view path) { return path.substr(path.find_last_of('/') + 1); }

class Recording {
 public:
  explicit Recording(const RecordOptions& options) : options_(options) {}

  absl::StatusOr<RecordResult> Run() {
    if (options_.stack_depth != 0 && !recorder::kTakesStacks) {
      return absl::FailedPreconditionError("call stacks cannot be taken on this processor; expected x86-64");
    }
    absl::StatusOr<std::unique_ptr<SharedMemory>> memory = SharedMemory::Create();
    if (!memory.ok()) return memory.status();
    memory_ = *std::move(memory);
    (*memory_)->stack_depth = options_.stack_depth;
    namer_.emplace(**memory_);
    // Before the program runs for hours: can the file be written?
    if (absl::Status status = TraceOutput::Create(options_.output, {}, 0, options_.level, false).status(); !status.ok())
      return status;
    absl::StatusOr<std::unique_ptr<ChildProgram>> child =
        ChildProgram::Start(options_.command, options_.library, memory_->path());
    if (!child.ok()) return child.status();
    Watch(**child);
    (*memory_)->closed = 1;
    for (const auto& reader : readers_) {  // of programs that were left
      reader->SetEnded();
      reader->Read(Clock::now());
      FinishReader(*reader);
    }
    if (merged_ != nullptr) FinishFile(merged_file_, *merged_, {});
    if (!status_.ok()) return status_;
    return std::move(result_);
  }

 private:
  struct ForkedBlocks {
    std::uint64_t image = 0, sequence = 0;
    RecordedBlocks blocks;
  };

  void Watch(ChildProgram& child) {
    Clock::time_point quiet_since = Clock::now();
    while (true) {
      const bool ended = child.ExitStatus().has_value();
      if (ended && child.LeaveOthers()) break;
      const bool alone = ended && readers_.empty() && child.HasNoOthers();
      const Clock::time_point now = Clock::now();
      const std::uint64_t records = Step(now);
      if (records != 0 || !readers_.empty() || !ended) quiet_since = now;
      if (ended && (now - quiet_since >= kGrace || (alone && quiet_since != now))) break;
      if (records < kManyRecords) memory_->WaitForWriters(kNapMilliseconds);
    }
    result_.exit_status = child.ExitStatus().value_or(0);
  }

  // Reads what there is. Returns how many records that were.
  std::uint64_t Step(Clock::time_point now) {
    FindImages();
    // A process that has ended by now has taken its last ring, and written its last record.
    std::vector<bool> ended;
    for (const auto& reader : readers_) ended.push_back(reader->Ended());
    FindRings();
    std::uint64_t records = 0;
    for (std::size_t i = 0; i < readers_.size(); ++i) {
      const auto& reader = readers_[i];
      if (!Open(*reader)) continue;
      if (const std::uint64_t more = reader->Read(now); more != 0) {
        records += more;
      } else if (ended[i]) {
        FinishReader(*reader);  // its output is no more
        finished_.push_back(reader->serial());
        continue;
      }
      if (TraceOutput* const output = reader->heap().output(); output != nullptr) output->FlushOld(now);
    }
    std::erase_if(readers_, [this](const auto& reader) {
      return std::find(finished_.begin(), finished_.end(), reader->serial()) != finished_.end();
    });
    finished_.clear();
    if (now - threads_checked_ >= kThreadsCheckedEvery) {
      threads_checked_ = now;
      for (const auto& reader : readers_) reader->DropDeadThreads();
    }
    return records;
  }

  void FindImages() {
    recorder::Memory& memory = **memory_;
    const std::size_t known = readers_.size();
    for (std::uint32_t i = 0; i < memory.images_used; ++i) {
      recorder::Image& image = memory.images[i];
      if (image.state.load(std::memory_order_acquire) != recorder::kLive || Find(image.serial) != nullptr) continue;
      AddReader(image);
    }
    if (readers_.size() == known) return;
    std::sort(readers_.begin(), readers_.end(), [](const auto& a, const auto& b) { return a->serial() < b->serial(); });
    for (const auto& reader : readers_) {  // what was started in place of another program ended that one
      for (const auto& other : readers_) {
        if (other->serial() < reader->serial() && other->pid() == reader->pid()) other->SetEnded();
      }
    }
  }

  void AddReader(recorder::Image& image) {
    const std::uint64_t serial = image.serial;
    readers_.push_back(std::make_unique<ImageReader>(
        **memory_, image, [this, serial] { return OutputOf(serial); },
        [this, serial](std::uint64_t sequence) { KeepForked(serial, sequence); }));
    ++result_.processes;
  }

  ImageReader* Find(std::uint64_t serial) {
    const auto found =
        std::find_if(readers_.begin(), readers_.end(), [serial](const auto& reader) { return reader->serial() == serial; });
    return found != readers_.end() ? found->get() : nullptr;
  }

  void FindRings() {
    recorder::Memory& memory = **memory_;
    const std::uint32_t used = memory.rings_used;
    claims_.resize(used);
    for (std::uint32_t i = 0; i < used; ++i) {
      recorder::Ring& ring = memory.rings[i];
      if (ring.state.load(std::memory_order_acquire) != recorder::kLive || ring.claim == claims_[i]) continue;
      ImageReader* const reader = Find(ring.image);
      if (reader == nullptr) continue;
      claims_[i] = ring.claim;
      reader->AddRing(i);
    }
  }

  // Whether the image can be read: a forked one begins with what its parent had.
  bool Open(ImageReader& reader) {
    if (reader.parent() == 0 || reader.fork_sequence() == 0 || reader.opened()) return true;
    const auto found = std::find_if(forked_.begin(), forked_.end(), [&reader](const ForkedBlocks& forked) {
      return forked.image == reader.parent() && forked.sequence == reader.fork_sequence();
    });
    if (found != forked_.end()) {
      reader.heap().Inherit(std::move(found->blocks));
      forked_.erase(found);
    } else if (ImageReader* const parent = Find(reader.parent());
               parent != nullptr && parent->next() <= reader.fork_sequence()) {
      return false;
    }
    reader.SetOpened();
    return true;
  }

  void KeepForked(std::uint64_t image, std::uint64_t sequence) {
    ImageReader* const reader = Find(image);
    forked_.push_back({image, sequence, reader->heap().blocks()});
    std::size_t blocks = 0;
    for (const ForkedBlocks& forked : forked_) blocks += forked.blocks.size();
    while (forked_.size() > 1 && (forked_.size() > kForksKept || blocks > kForkBlocksKept)) {
      blocks -= forked_.front().blocks.size();
      forked_.pop_front();
    }
  }

  TraceOutput* OutputOf(std::uint64_t serial) {
    const ImageReader& reader = *Find(serial);
    if (options_.follow && merged_ != nullptr) return merged_.get();
    RecordedFile file;
    file.path = NumberedPath(options_.output, files_ + 1);
    file.program = reader.program();
    file.pid = reader.pid();
    TraceAttributes attributes = {{"recorder", "alloclab record"},
                                  {"program", reader.program()},
                                  {"command", reader.command()},
                                  {"pid", fmt::format("{}", reader.pid())}};
    if (options_.follow) attributes.emplace_back("merged", "all processes in one file");
    absl::StatusOr<std::unique_ptr<TraceOutput>> output = TraceOutput::Create(
        file.path, std::move(attributes), options_.operations_max, options_.level, options_.stack_depth != 0);
    if (!output.ok()) {
      status_.Update(output.status());
      output = TraceOutput::Discard();  // the program goes on
    }
    ++files_;
    TraceOutput* const made = output->get();
    if (options_.follow) {
      merged_ = *std::move(output);
      merged_file_ = std::move(file);
    } else {
      outputs_.push_back({serial, std::move(file), *std::move(output)});
    }
    return made;
  }

  // After its last record.
  void FinishReader(ImageReader& reader) {
    std::vector<std::string> notes = reader.Notes();
    if (options_.follow) {
      reader.heap().FreeAll();
      for (std::string& note : notes) merged_notes_.push_back(fmt::format("{}: {}", BaseName(reader.program()), note));
    }
    const auto found = std::find_if(outputs_.begin(), outputs_.end(),
                                    [&reader](const Output& output) { return output.serial == reader.serial(); });
    if (found != outputs_.end()) {
      FinishFile(found->file, *found->output, std::move(notes));
      outputs_.erase(found);
    }
    reader.GiveBack();
  }

  void FinishFile(RecordedFile& file, TraceOutput& output, std::vector<std::string> notes) {
    if (&output == merged_.get()) notes = std::move(merged_notes_);
    if (const std::uint64_t lost = (*memory_)->sites_lost.load(); lost != 0) {
      notes.push_back(fmt::format("the recording has more call sites than the table's {}: {} allocations are told without",
                                  recorder::kSitesMax, lost));
    }
    status_.Update(output.Finish(notes, namer_->Tell(output.sites())));
    file.sites = output.sites().size();
    file.operations = output.operations();
    file.bytes = output.bytes();
    file.threads = output.threads();
    file.notes = std::move(notes);
    result_.files.push_back(std::move(file));
  }

  struct Output {
    std::uint64_t serial = 0;
    RecordedFile file;
    std::unique_ptr<TraceOutput> output;
  };

  const RecordOptions& options_;
  std::unique_ptr<SharedMemory> memory_;
  std::optional<SiteNamer> namer_;
  std::vector<std::unique_ptr<ImageReader>> readers_;  // by serial
  std::vector<std::uint64_t> finished_;
  std::vector<std::uint64_t> claims_;  // of the rings that were found
  std::deque<ForkedBlocks> forked_;
  std::vector<Output> outputs_;
  std::unique_ptr<TraceOutput> merged_;
  RecordedFile merged_file_;
  std::vector<std::string> merged_notes_;
  std::uint64_t files_ = 0;
  Clock::time_point threads_checked_ = {};
  absl::Status status_;
  RecordResult result_;
};

}  // namespace

std::string NumberedPath(const std::string& path, std::uint64_t number) {
  if (number <= 1) return path;
  const std::string_view stem =
      std::string_view(path).substr(0, path.size() - (path.ends_with(kExtension) ? kExtension.size() : 0));
  return fmt::format("{}.{}{}", stem, number, path.ends_with(kExtension) ? kExtension : "");
}

absl::StatusOr<RecordResult> RecordProgram(const RecordOptions& options) { return Recording(options).Run(); }

}  // namespace alloclab::client
