#include "testbench/trace/json_text.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace ringside::trace {
namespace {

bool stands_for_itself(char character) {
  return character >= ' ' && character <= '~' && character != '"' && character != '\\';
}

}  // namespace

std::string json_quoted(std::string_view text) {
  if (std::ranges::all_of(text, stands_for_itself)) {  // nearly always, and a timeline is made of such names
    return '"' + std::string(text) + '"';
  }
  return nlohmann::json(std::string(text)).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace ringside::trace
