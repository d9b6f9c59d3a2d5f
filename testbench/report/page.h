// The report as one HTML page that needs nothing else: no network, no other file.
#pragma once

#include <string>
#include <vector>

#include "testbench/trace/waivers.h"

namespace ringside::report {

struct Book {
  std::string title;    // "ringside compare"
  std::string command;  // that made it
  std::string left;     // identities; the second is empty when there is one side only
  std::string right;
  std::vector<trace::Waiver> waivers;
  std::vector<std::string> remarks;   // on waivers: what expires, what nothing hit
  std::vector<std::string> chapters;  // as chapter_json() makes them
};

[[nodiscard]] std::string page_of(const Book& book);

}  // namespace ringside::report
