// Text in the log: a name, a line of the driver's log, a scenario. It follows the record it belongs to, in pieces of
// up to 40 bytes that lie in the payload fields of Kind::text records.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "testbench/trace/record.h"

namespace ringside::trace {

inline constexpr std::size_t kTextPayload = 40;
inline constexpr std::uint16_t kTextMore = 1;  // flags: the text goes on in the next record

// Calls put(record) for each piece; an empty text is one empty piece.
template <class Put>
void split_text(std::string_view text, Put&& put);

// The bytes of one text record. A width that no writer produces is cut to what a record can hold.
[[nodiscard]] std::string_view text_piece(const Record& record);

// Joins the text records that start at log[at]; empty when there are none there. `pieces` receives their number.
[[nodiscard]] std::string text_at(const std::vector<Record>& log, std::size_t at, std::size_t* pieces = nullptr);

// The same from a stream of records.
class TextJoiner {
 public:
  // True when `record` completed a text, which is then in text().
  [[nodiscard]] bool feed(const Record& record);
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  // A hostile log could go on for ever.
  static constexpr std::size_t kLongest = 64 * 1024;
  std::string text_;
  bool more_ = false;
};

// --- Implementation

[[nodiscard]] Record text_record(std::string_view piece, bool more);

template <class Put>
void split_text(std::string_view text, Put&& put) {
  do {
    const std::string_view piece = text.substr(0, kTextPayload);
    text.remove_prefix(piece.size());
    put(text_record(piece, !text.empty()));
  } while (!text.empty());
}

}  // namespace ringside::trace
