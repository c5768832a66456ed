#include "clients/cli/catalog_view.h"

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "clients/cli/declarations.h"
#include "clients/cli/inspect_blocks.h"

namespace alloclab::client {
namespace {

using CounterInfos = google::protobuf::RepeatedPtrField<v1::CounterInfo>;
using FigureInfos = google::protobuf::RepeatedPtrField<v1::FigureInfo>;

// What it is, and behind empty lines its story.
std::vector<std::string> Paragraphs(const v1::AllocatorInfo& allocator) {
  return absl::StrSplit(allocator.description(), "\n\n");
}

// Each part of the story begins with what it tells and a colon.
void AddDescription(Section& about, const v1::AllocatorInfo& allocator) {
  std::vector<std::string> paragraphs = Paragraphs(allocator);
  AddFact(about, "what it is", TextCell(paragraphs.front()));
  for (auto part = paragraphs.begin() + 1; part != paragraphs.end(); ++part) {
    const std::pair<std::string, std::string> what_and_text = absl::StrSplit(*part, absl::MaxSplits(": ", 1));
    AddFact(about, absl::AsciiStrToLower(what_and_text.first), TextCell(what_and_text.second));
  }
}

Section Allocators(const char* title, const google::protobuf::RepeatedPtrField<v1::AllocatorInfo>& allocators) {
  Section section;
  section.title = title;
  section.columns = {{"name"}, {"what it is"}, {"parameters"}};
  for (const v1::AllocatorInfo& allocator : allocators) {
    std::vector<std::string> parameters;
    for (const v1::ParameterInfo& parameter : allocator.parameters()) parameters.push_back(parameter.name());
    section.rows.push_back({TextCell(allocator.name(), Tone::kBold), TextCell(Paragraphs(allocator).front()),
                            TextCell(fmt::format("{}", fmt::join(parameters, " ")))});
  }
  return section;
}

Section Natives(const v1::Catalog& catalog) {
  Section section;
  section.title = "real allocators";
  section.columns = {{"name"}, {"what it is"}, {"here"}};
  for (const v1::NativeAllocatorInfo& native : catalog.native_allocators()) {
    const bool here = native.absent().empty();
    section.rows.push_back({TextCell(native.name(), here ? Tone::kBold : Tone::kDim), TextCell(native.description()),
                            TextCell(here ? "yes" : native.absent())});
  }
  return section;
}

Section Parameters(const google::protobuf::RepeatedPtrField<v1::ParameterInfo>& parameters) {
  Section section;
  section.title = "parameters";
  section.columns = {{"name"}, {"default"}, {"expects"}, {"meaning"}};
  for (const v1::ParameterInfo& parameter : parameters) {
    section.rows.push_back({TextCell(parameter.name(), Tone::kBold), TextCell(parameter.default_value()),
                            TextCell(parameter.expects()), TextCell(parameter.description())});
  }
  return section;
}

// Counters of one name stand together: one row, with the values of their label.
Section Counters(const CounterInfos& counters) {
  Section section;
  section.title = "counters";
  section.columns = {{"name"}, {"label"}, {"unit"}, {"meaning"}};
  for (int i = 0; i < counters.size();) {
    const v1::CounterInfo& counter = counters.Get(i);
    std::vector<std::string> values;
    for (; i < counters.size() && counters.Get(i).name() == counter.name(); ++i)
      values.push_back(counters.Get(i).label_value());
    const std::string label = counter.label().empty() ? "" : fmt::format("{}={}", counter.label(), fmt::join(values, "|"));
    section.rows.push_back({TextCell(counter.name(), Tone::kBold), TextCell(label),
                            TextCell(InBytes(counter.name()) ? "bytes" : "count"), TextCell(counter.help())});
  }
  return section;
}

Section Figures(const char* title, const FigureInfos& figures) {
  Section section;
  section.title = title;
  section.columns = {{"name"}, {"unit"}, {"meaning"}};
  for (const v1::FigureInfo& figure : figures) {
    section.rows.push_back({TextCell(figure.name(), Tone::kBold),
                            TextCell(absl::AsciiStrToLower(v1::FigureInfo::Unit_Name(figure.unit()))),
                            TextCell(figure.help())});
  }
  return section;
}

void AddIfAny(Document& document, Section section) {
  if (!section.rows.empty()) document.sections.push_back(std::move(section));
}

Section Example(const v1::Catalog& catalog, const v1::BlockList& blocks) {
  Section section = std::move(BlockListDocument(blocks, FigureUnits(catalog)).sections.front());
  section.title = fmt::format("first blocks after {}", catalog.example_operations());
  return section;
}

}  // namespace

Document CatalogDocument(const v1::Catalog& catalog) {
  Document document;
  document.sections = {Allocators("page allocators", catalog.page_allocators()),
                       Allocators("heap allocators", catalog.heap_allocators())};
  AddIfAny(document, Natives(catalog));
  document.footer.push_back("The first of each is the default. `alloclab catalog NAME` explains one.");
  if (!catalog.native_allocators().empty()) {
    document.footer.push_back(
        "Real allocators are measured on the server's host by submit and compare --native; they have no instances.");
  }
  return document;
}

Document AllocatorDocument(const v1::Catalog& catalog, const v1::AllocatorInfo& allocator) {
  Document document;
  document.heading = fmt::format("{}: {}", allocator.name(), allocator.title());
  Section about = Facts("");
  AddDescription(about, allocator);
  if (!allocator.source().empty()) AddFact(about, "source", TextCell(allocator.source()));
  if (allocator.alignment() > 0) AddFact(about, "addresses are multiples of", CountCell(allocator.alignment()));
  document.sections.push_back(std::move(about));
  AddIfAny(document, Parameters(allocator.parameters()));
  AddIfAny(document, Counters(allocator.counters()));
  AddIfAny(document, Figures("figures", allocator.figures()));
  AddIfAny(document, Figures("fields of a block", allocator.block_fields()));
  if (allocator.has_example()) document.sections.push_back(Example(catalog, allocator.example()));
  if (!allocator.parameters().empty()) document.footer.push_back("Set a parameter with --param NAME=VALUE.");
  return document;
}

Document NativeDocument(const v1::NativeAllocatorInfo& native) {
  Document document;
  document.heading = fmt::format("{}: a real allocator of the server's host", native.name());
  Section about = Facts("");
  AddFact(about, "what it is", TextCell(native.description()));
  if (!native.library().empty()) AddFact(about, "library", TextCell(native.library()));
  AddFact(about, "measured here", TextCell(native.absent().empty() ? "yes" : "no: " + native.absent()));
  document.sections.push_back(std::move(about));
  AddIfAny(document, Parameters(native.parameters()));
  return document;
}

Document MachineDocument(const v1::Catalog& catalog) {
  Document document;
  document.heading = "machine: the simulated processor's memory management";
  AddIfAny(document, Counters(catalog.machine_counters()));
  AddIfAny(document, Figures("figures", catalog.machine_figures()));
  return document;
}

}  // namespace alloclab::client
