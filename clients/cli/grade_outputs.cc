#include "clients/cli/grade_outputs.h"

#include <fmt/format.h>
#include <google/protobuf/struct.pb.h>

#include "absl/strings/ascii.h"
#include "absl/strings/str_replace.h"
#include "allocators/common/printable.h"
#include "proto/converters/json.h"

namespace alloclab::client {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;

std::string Escaped(const std::string& text) {
  return absl::StrReplaceAll(Printable(text), {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}});
}

Cell PointsCell(double points) { return {fmt::format("{:.2f}", points), fmt::format("{:.3f}", points)}; }
Cell EarnedCell(const v1::TraceGrade& trace) {
  return {fmt::format("{:.2f} of {:.2f}", trace.points(), trace.points_max()), fmt::format("{:.3f}", trace.points())};
}
Cell NumberCell(double number, int digits) { return {fmt::format("{:.{}f}", number, digits), fmt::format("{:.6f}", number)}; }

std::vector<Cell> TraceRow(const v1::TraceGrade& trace) {
  if (!trace.run()) return {TextCell(trace.trace()), TextCell("not run", Tone::kDim), {}, {}, {}, {}, {}};
  const Cell valid = trace.valid() ? TextCell("yes", Tone::kGood) : TextCell("no", Tone::kBad);
  if (!trace.valid()) return {TextCell(trace.trace()), valid, CountCell(trace.operations()), {}, {}, {}, EarnedCell(trace)};
  return {TextCell(trace.trace()),
          valid,
          CountCell(trace.operations()),
          RatioCell(trace.utilisation()),
          NumberCell(trace.cycles_per_operation(), 1),
          NumberCell(trace.speed(), 3),
          EarnedCell(trace)};
}

Document OneProgram(const v1::GradeReport& report, const v1::Grade& grade) {
  Document document;
  document.heading =
      fmt::format("{}: {:.2f} of {:.0f} points, {}", grade.program(), grade.total(), grade.total_max(), report.assignment());
  if (!grade.error().empty()) {
    document.footer.push_back(grade.error());
    return document;
  }
  Section table;
  table.columns = {{"trace"},           {"valid"},       {"operations", true}, {"util.", true},
                   {"cycles/op", true}, {"speed", true}, {"points", true}};
  for (const v1::TraceGrade& trace : grade.traces()) table.rows.push_back(TraceRow(trace));
  document.sections.push_back(std::move(table));
  Section sum = Facts("total");
  AddFact(sum, "correctness", PointsCell(grade.correctness()));
  AddFact(sum, "utilisation", PointsCell(grade.utilisation()));
  AddFact(sum, "speed", PointsCell(grade.speed()));
  if (grade.penalty() > 0) AddFact(sum, "penalties", PointsCell(-grade.penalty()));
  AddFact(sum, "total", PointsCell(grade.total()));
  document.sections.push_back(std::move(sum));
  for (const v1::TraceGrade& trace : grade.traces()) {
    if (!trace.violation().empty()) document.footer.push_back(trace.trace() + ": " + trace.violation());
  }
  for (const std::string& penalty : grade.penalties()) document.footer.push_back("penalty: " + penalty);
  document.footer.push_back(
      fmt::format("speed is the cycles of {} by those of the program, on a simulated 386DX-33", report.reference()));
  return document;
}

Document ManyPrograms(const v1::GradeReport& report) {
  Document document;
  document.heading = fmt::format("{}: {} programs", report.assignment(), report.grades_size());
  Section table;
  table.columns = {{"program"},     {"valid", true},   {"traces", true}, {"correctness", true}, {"utilisation", true},
                   {"speed", true}, {"penalty", true}, {"total", true},  {"first trouble"}};
  for (const v1::Grade& grade : report.grades()) {
    std::uint64_t valid = 0, run = 0;
    std::string trouble = grade.error().substr(0, grade.error().find('\n'));
    for (const v1::TraceGrade& trace : grade.traces()) {
      valid += trace.valid() ? 1 : 0;
      run += trace.run() ? 1 : 0;
      if (trouble.empty() && !trace.violation().empty()) trouble = trace.trace() + ": " + trace.violation();
    }
    table.rows.push_back({TextCell(grade.program()), CountCell(valid), CountCell(run), PointsCell(grade.correctness()),
                          PointsCell(grade.utilisation()), PointsCell(grade.speed()), PointsCell(grade.penalty()),
                          PointsCell(grade.total()), TextCell(trouble)});
  }
  document.sections.push_back(std::move(table));
  return document;
}

Value Number(double number) {
  Value value;
  value.set_number_value(number);
  return value;
}
Value Text(const std::string& text) {
  Value value;
  value.set_string_value(text);
  return value;
}

Struct GradescopeTest(const v1::TraceGrade& trace, const std::string& error) {
  Struct test;
  auto& fields = *test.mutable_fields();
  fields["name"] = Text(trace.trace());
  fields["score"] = Number(trace.points());
  fields["max_score"] = Number(trace.points_max());
  std::string output = error;
  if (trace.valid()) {
    output = fmt::format("valid; utilisation {:.1f} %, {:.1f} cycles/operation, speed {:.3f}", 100 * trace.utilisation(),
                         trace.cycles_per_operation(), trace.speed());
  } else if (!trace.violation().empty()) {
    output = trace.violation();
  }
  fields["output"] = Text(output);
  fields["visibility"] = Text(trace.hidden() ? "after_due_date" : "visible");
  return test;
}

std::string Json(const Struct& message, JsonLayout layout) {
  const absl::StatusOr<std::string> text = MessageToJson(message, layout);
  return text.ok() ? std::string(absl::StripTrailingAsciiWhitespace(*text)) + "\n" : std::string(text.status().message());
}

}  // namespace

Document GradeDocument(const v1::GradeReport& report) {
  return report.grades_size() == 1 ? OneProgram(report, report.grades(0)) : ManyPrograms(report);
}

std::string ToJunit(const v1::GradeReport& report) {
  std::string xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n";
  for (const v1::Grade& grade : report.grades()) {
    int failures = 0, skipped = 0;
    std::string cases;
    for (const v1::TraceGrade& trace : grade.traces()) {
      cases += fmt::format("    <testcase classname=\"{}\" name=\"{}\"", Escaped(grade.program()), Escaped(trace.trace()));
      if (trace.valid()) {
        cases += "/>\n";
      } else if (grade.error().empty() && !trace.run()) {
        ++skipped;
        cases += "><skipped/></testcase>\n";
      } else {
        ++failures;
        cases += fmt::format("><failure message=\"{}\"/></testcase>\n",
                             Escaped(grade.error().empty() ? trace.violation() : grade.error()));
      }
    }
    xml += fmt::format("  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\">\n{}  </testsuite>\n",
                       Escaped(grade.program()), grade.traces_size(), failures, skipped, cases);
  }
  return xml + "</testsuites>\n";
}

std::string ToGradescope(const v1::Grade& grade) {
  Struct results;
  auto& fields = *results.mutable_fields();
  fields["score"] = Number(grade.total());
  std::string output = grade.error();
  for (const std::string& penalty : grade.penalties()) output += "penalty: " + penalty + "\n";
  fields["output"] = Text(output);
  for (const v1::TraceGrade& trace : grade.traces()) {
    *fields["tests"].mutable_list_value()->add_values()->mutable_struct_value() = GradescopeTest(trace, grade.error());
  }
  return Json(results, JsonLayout::kIndented);
}

std::string ToAutolab(const v1::Grade& grade) {
  return fmt::format(
      "{{\"scores\": {{\"correctness\": {:.3f}, \"utilisation\": {:.3f}, \"speed\": {:.3f}, \"penalty\": {:.3f}}}}}\n",
      grade.correctness(), grade.utilisation(), grade.speed(), 0 - grade.penalty());
}

}  // namespace alloclab::client
