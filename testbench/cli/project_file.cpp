#include "testbench/cli/project_file.h"

#include <cstdlib>
#include <system_error>
#include <vector>

namespace ringside::cli {
namespace {

std::vector<std::filesystem::path> roots() {
  std::vector<std::filesystem::path> places;
  if (const char* root = std::getenv("RINGSIDE_ROOT"); root != nullptr && *root != '\0') {
    places.emplace_back(root);
  }
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) {
    places.push_back(program.parent_path());
    places.push_back(program.parent_path().parent_path());
  }
  return places;
}

}  // namespace

std::optional<std::filesystem::path> project_file(const std::filesystem::path& relative) {
  for (const std::filesystem::path& root : roots()) {
    std::error_code ignored;
    if (std::filesystem::exists(root / relative, ignored)) {
      return root / relative;
    }
  }
  return std::nullopt;
}

}  // namespace ringside::cli
