#include "testbench/report/chapter.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "testbench/checks/requirements.h"
#include "testbench/report/alignment.h"
#include "testbench/report/event_text.h"
#include "testbench/report/figure.h"
#include "testbench/report/flight.h"
#include "testbench/trace/names.h"

namespace ringside::report {
namespace {

using Json = nlohmann::ordered_json;
using Log = std::vector<trace::Record>;

// What the list of requirements says of a clause; null for a section of the specification, and where none fits.
Json requirement(const std::string& clause) {
  const checks::Requirement* const found = checks::find_requirement(clause);
  return found != nullptr ? Json(std::string(found->section) + ": " + std::string(found->says)) : Json();
}

Json sighting(const trace::Sighting& seen) {
  return seen.present ? Json{{"n", seen.index}, {"t", seen.time}, {"text", seen.text}} : Json();
}

Json divergence(const trace::Comparison& comparison) {
  if (!comparison.divergence.has_value()) {
    return nullptr;
  }
  const trace::Divergence& what = *comparison.divergence;
  Json agreed = Json::array();
  for (const auto& [left, right] : what.agreed) {
    agreed.push_back({{"left", sighting(left)}, {"right", sighting(right)}});
  }
  Json fields = Json::array();
  for (const trace::FieldDifference& field : what.fields) {
    fields.push_back({{"field", field.field}, {"left", field.left}, {"right", field.right}});
  }
  return {{"class", to_string(what.event_class)},
          {"clause", what.clause},
          {"says", requirement(what.clause)},
          {"what", what.what},
          {"lane", what.lane},
          {"agreed", agreed},
          {"left", sighting(what.left)},
          {"right", sighting(what.right)},
          {"fields", fields},
          {"followers", what.followers}};
}

Json quirks(const Chapter& chapter) {
  Json rows = Json::array();
  for (const Side& side : chapter.sides) {
    for (const QuirkUse& quirk : side.quirks) {
      rows.push_back({{"side", side.name}, {"name", quirk.name}, {"clause", quirk.clause}, {"count", quirk.count}});
    }
  }
  return rows;
}

Json findings(const Chapter& chapter) {
  Json rows = Json::array();
  for (const Side& side : chapter.sides) {
    for (const checks::Violation& violation : side.violations) {
      rows.push_back({{"side", side.name},
                      {"clause", violation.clause},
                      {"says", requirement(violation.clause)},
                      {"by", checks::to_string(violation.role)},
                      {"n", violation.index},
                      {"t", violation.time},
                      {"text", violation.text},
                      {"count", violation.count}});
    }
  }
  return rows;
}

Json figure(const Log& log, std::size_t index) {
  const Figure drawn = figure_of(log, index);
  Json marks = Json::array();
  for (const FigureMark& mark : drawn.marks) {
    marks.push_back({mark.time, mark.lane, mark.text, mark.here});
  }
  Json bars = Json::array();
  for (const FigureBar& bar : drawn.bars) {
    bars.push_back({bar.begin, bar.end, bar.lane, bar.text, bar.open});
  }
  return {{"from", drawn.from}, {"to", drawn.to}, {"at", drawn.at}, {"marks", marks}, {"bars", bars}};
}

Json flights(const Log& log) {
  const Flights all = flights_of(log);
  Json queues = Json::array();
  for (const Flight& flight : all.queues) {
    queues.push_back({{"queue", flight.queue}, {"most", flight.most}, {"points", flight.points}});
  }
  return {{"end", all.end}, {"left_out", all.left_out}, {"queues", queues}};
}

// Texts repeat: the page holds each once.
class Texts {
 public:
  [[nodiscard]] std::size_t number(std::string text) {
    return numbers_.try_emplace(std::move(text), numbers_.size()).first->second;
  }
  [[nodiscard]] Json take() const {
    std::vector<const std::string*> ordered(numbers_.size());
    for (const auto& [text, number] : numbers_) {
      ordered[number] = &text;
    }
    Json all = Json::array();
    for (const std::string* const text : ordered) {
      all.push_back(*text);
    }
    return all;
  }

 private:
  std::map<std::string, std::size_t> numbers_;
};

// The part of the rows that the page gets, and where in it to look.
struct Window {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t at = kNone;
};

Window window_of(const std::vector<AlignedRow>& rows, const AlignedRow& wanted, std::size_t most) {
  Window window;
  const auto found = std::ranges::find_if(rows, [&](const AlignedRow& row) {
    return wanted.left != kNone ? row.left == wanted.left : wanted.right != kNone && row.right == wanted.right;
  });
  if (found != rows.end()) {
    window.at = static_cast<std::size_t>(found - rows.begin());
  }
  const std::size_t middle = window.at == kNone ? 0 : window.at;
  const std::size_t size = std::min(rows.size(), most);
  window.begin = std::min(middle - std::min(middle, size / 2), rows.size() - size);
  window.end = window.begin + size;
  return window;
}

// The event that the list opens at: the divergence, on a side that has it.
AlignedRow wanted_row(const Chapter& chapter) {
  if (chapter.comparison == nullptr || !chapter.comparison->divergence.has_value()) {
    return {chapter.sides.size() == 1 ? chapter.event : kNone, kNone};
  }
  const trace::Divergence& what = *chapter.comparison->divergence;
  return {what.left.present ? what.left.index : kNone, what.right.present ? what.right.index : kNone};
}

// Columns of what one side shows: number, time, tap, text of each event.
Json columns(const Log& log, const std::vector<AlignedRow>& rows, const Window& window, std::size_t AlignedRow::*side,
             Texts& texts) {
  Json number = Json::array(), time = Json::array(), tap = Json::array(), text = Json::array();
  for (std::size_t row = window.begin; row < window.end; ++row) {
    const std::size_t index = rows[row].*side;
    if (index == kNone) {
      continue;
    }
    number.push_back(index);
    time.push_back(log[index].time);
    tap.push_back(static_cast<unsigned>(log[index].tap));
    text.push_back(texts.number(event_text(log, index)));
  }
  return {{"n", number}, {"t", time}, {"tap", tap}, {"text", text}};
}

// Of each row: 1 = there is a left event, 2 = a right one. Of each left event its partner's number or -1, and those
// that differ from it.
Json events(const Chapter& chapter) {
  if (chapter.sides.empty() || chapter.most_rows == 0) {
    return nullptr;
  }
  static const Log kNothing;
  const Log& left = *chapter.sides[0].log;
  const Log& right = chapter.sides.size() > 1 ? *chapter.sides[1].log : kNothing;
  const Alignment alignment = align(left, right);
  const Window window = window_of(alignment.rows, wanted_row(chapter), chapter.most_rows);

  Texts texts;
  Json shape = Json::array(), partner = Json::array(), differs = Json::array();
  for (std::size_t i = window.begin; i < window.end; ++i) {
    const AlignedRow& row = alignment.rows[i];
    shape.push_back((row.left != kNone ? 1 : 0) + (row.right != kNone ? 2 : 0));
    if (row.left != kNone) {
      const Partner& other = alignment.left[row.left];
      partner.push_back(other.index == kNone ? Json(-1) : Json(other.index));
      if (other.differs) {
        differs.push_back(row.left);
      }
    }
  }
  return {{"rows", alignment.rows.size()},
          {"first", window.begin},
          {"at", window.at == kNone ? Json(-1) : Json(window.at - window.begin)},
          {"shape", shape},
          {"partner", partner},
          {"differs", differs},
          {"left", columns(left, alignment.rows, window, &AlignedRow::left, texts)},
          {"right", columns(right, alignment.rows, window, &AlignedRow::right, texts)},
          {"texts", texts.take()}};
}

Json sides(const Chapter& chapter) {
  const std::vector<std::size_t> at = places_of(chapter);
  Json result = Json::array();
  for (std::size_t i = 0; i < chapter.sides.size(); ++i) {
    const Side& side = chapter.sides[i];
    result.push_back({{"name", side.name},
                      {"records", side.log->size()},
                      {"flights", flights(*side.log)},
                      {"figure", at[i] == kNone ? Json() : figure(*side.log, at[i])}});
  }
  return result;
}

}  // namespace

std::vector<std::size_t> places_of(const Chapter& chapter) {
  const bool diverged = chapter.comparison != nullptr && chapter.comparison->divergence.has_value();
  if (!diverged || chapter.sides.size() != 2) {
    std::vector<std::size_t> nowhere(chapter.sides.size(), kNone);
    if (nowhere.size() == 1) {
      nowhere.front() = chapter.event;
    }
    return nowhere;
  }
  const trace::Divergence& what = *chapter.comparison->divergence;
  const trace::Sighting nothing;
  const auto& [agreed_left, agreed_right] = what.agreed.empty() ? std::pair{nothing, nothing} : what.agreed.back();
  const auto place = [](const trace::Sighting& seen, const trace::Sighting& agreed) {
    return seen.present ? seen.index : agreed.present ? agreed.index + 1 : 0;
  };
  return {place(what.left, agreed_left), place(what.right, agreed_right)};
}

std::string chapter_json(const Chapter& chapter) {
  Json json{{"name", chapter.name},          {"machine", chapter.machine}, {"verdict", chapter.verdict},
            {"reason", chapter.reason},      {"seconds", chapter.seconds}, {"compared", nullptr},
            {"divergence", nullptr},         {"quirks", quirks(chapter)},  {"findings", findings(chapter)},
            {"sides", sides(chapter)},       {"events", events(chapter)},  {"reproduce", chapter.reproduce},
            {"directory", chapter.directory}};
  if (chapter.comparison != nullptr) {
    const trace::Comparison& comparison = *chapter.comparison;
    json["compared"] = {{"exact", comparison.compared.exact},
                        {"ordered", comparison.compared.ordered},
                        {"invariant", comparison.compared.invariant},
                        {"waived", comparison.waived}};
    json["divergence"] = divergence(comparison);
  }
  return json.dump(-1, ' ', true, Json::error_handler_t::replace);
}

}  // namespace ringside::report
