// The JSON document that a command printed.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "testbench/tests/cli_program.h"

namespace ringside::tests {

inline nlohmann::json document_of(const ProgramResult& result) {
  nlohmann::json document = nlohmann::json::parse(result.out, nullptr, false);
  EXPECT_FALSE(document.is_discarded()) << result.out << result.err;
  return document;
}

}  // namespace ringside::tests
