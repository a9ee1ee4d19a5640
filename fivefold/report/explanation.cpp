#include "fivefold/report/explanation.h"

#include <cmath>

#include <fmt/format.h>

#include "fivefold/report/table.h"

namespace fivefold {
namespace {

// Later lines stand two columns further in than the first.
void put(std::string& out, std::string_view text, std::size_t indent, std::string_view mark = {}) {
  const std::size_t room =
      indent + mark.size() + 20 < kTextWidth ? kTextWidth - indent - mark.size() : 20;
  bool first = true;
  for (const std::string& line : wrap(text, room)) {
    out += std::string(indent, ' ');
    out += first ? std::string(mark) : std::string(mark.size(), ' ');
    out += line + "\n";
    first = false;
  }
}

void put_source(std::string& out, const std::string& id, const SourceOf& source_of,
                std::size_t indent) {
  const Source* source = source_of ? source_of(id) : nullptr;
  if (source == nullptr) {
    put(out, fmt::format("source {}", id), indent);
    return;
  }
  std::string text = fmt::format("source {}: {}", id, source->title);
  if (!source->publisher.empty()) text += fmt::format(", {}", source->publisher);
  if (!source->date.empty()) text += fmt::format(", {}", source->date);
  put(out, text, indent);
  if (!source->url.empty()) put(out, source->url, indent + 2);
}

void put_fact(std::string& out, const Fact& fact, const SourceOf& source_of, std::size_t indent) {
  std::string text = fmt::format("{} {}: {}", fact.owner, fact.path, value_text(fact));
  if (const std::string range = range_text(fact); !range.empty())
    text += fmt::format(", {}", range);
  if (fact.reading == "assumption") {
    text += " (assumption: no source gives it)";
  } else {
    if (!fact.reading.empty() && fact.reading != "nominal")
      text += fmt::format(" ({})", fact.reading);
    text += fmt::format(" [confidence {}]", name(fact.confidence));
  }
  put(out, text, indent, "* ");
  if (!fact.note.empty()) put(out, fact.note, indent + 4);
  for (const std::string& id : fact.sources) {
    if (id != "assumption") put_source(out, id, source_of, indent + 4);
  }
  for (const OtherValue& other : fact.also) {
    std::string also = fmt::format("others say {}", value_text(fact, other.value));
    if (!other.note.empty()) also += fmt::format(" ({})", other.note);
    put(out, also, indent + 4);
    for (const std::string& id : other.sources) put_source(out, id, source_of, indent + 6);
  }
}

void put_tree(std::string& out, const Explanation& explanation, const SourceOf& source_of,
              std::size_t indent) {
  put(out, explanation.statement, indent);
  if (!explanation.formula.empty()) put(out, explanation.formula, indent + 2, "= ");
  for (const Explanation& part : explanation.parts) put_tree(out, part, source_of, indent + 2);
  for (const Fact& fact : explanation.facts) put_fact(out, fact, source_of, indent + 2);
}

std::string with_unit(double value, const std::string& unit) {
  // Six digits hide what the conversion to coherent units and back leaves behind.
  const std::string number = fmt::format("{:.6g}", value);
  return unit.empty() ? number : fmt::format("{} {}", number, unit);
}

}  // namespace

std::string value_text(const Fact& fact) {
  switch (fact.kind) {
    case Fact::Kind::kNumber:
      return with_unit(fact.written, fact.unit);
    case Fact::Kind::kText:
      return std::string(readable_text(fact));
    case Fact::Kind::kBool:
      return fact.flag ? "yes" : "no";
    case Fact::Kind::kNone:
      return "none";
    case Fact::Kind::kUnknown:
      return "not published";
  }
  return "not published";
}

std::string value_text(const Fact& fact, double coherent) {
  const bool convertible = fact.is_number() && fact.number != 0;
  return with_unit(convertible ? coherent * (fact.written / fact.number) : coherent,
                   convertible ? fact.unit : "");
}

std::string range_text(const Fact& fact) {
  if (!fact.low || !fact.high) return {};
  return fmt::format("range {} to {}", value_text(fact, *fact.low), value_text(fact, *fact.high));
}

std::string to_text(const Explanation& explanation, const SourceOf& source_of) {
  std::string out;
  put_tree(out, explanation, source_of, 0);
  return out;
}

}  // namespace fivefold
