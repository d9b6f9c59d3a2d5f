#include "testbench/trace/text.h"

#include <algorithm>
#include <cstring>

namespace ringside::trace {
namespace {

constexpr std::size_t kPayloadOffset = offsetof(Record, offset);
static_assert(kPayloadOffset + kTextPayload == sizeof(Record));

}  // namespace

Record text_record(std::string_view piece, bool more) {
  Record record;
  record.kind = Kind::text;
  record.width = static_cast<std::uint8_t>(piece.size());
  record.flags = more ? kTextMore : 0;
  std::memcpy(reinterpret_cast<char*>(&record) + kPayloadOffset, piece.data(), piece.size());
  return record;
}

std::string_view text_piece(const Record& record) {
  return {reinterpret_cast<const char*>(&record) + kPayloadOffset, std::min<std::size_t>(record.width, kTextPayload)};
}

std::string text_at(const std::vector<Record>& log, std::size_t at, std::size_t* pieces) {
  TextJoiner joiner;
  std::size_t count = 0;
  while (at + count < log.size() && log[at + count].kind == Kind::text) {
    const bool complete = joiner.feed(log[at + count]);
    ++count;
    if (complete) {
      break;
    }
  }
  if (pieces != nullptr) {
    *pieces = count;
  }
  return count == 0 ? std::string() : joiner.text();
}

bool TextJoiner::feed(const Record& record) {
  if (!more_) {
    text_.clear();
  }
  if (text_.size() < kLongest) {
    text_.append(text_piece(record));
  }
  more_ = (record.flags & kTextMore) != 0;
  return !more_;
}

}  // namespace ringside::trace
