// Verdicts as GitHub Actions shows them beside the code: workflow commands in the output of a step.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

namespace ringside::report {

struct Annotation {
  std::string file;  // from the root of the repository; empty: none
  std::string title;
  std::string message;
};

// One line. Whatever the texts are, it is one command, and no other.
[[nodiscard]] std::string annotation_line(const Annotation& annotation);

// Where $GITHUB_ACTIONS is set. GitHub shows ten of a step; the last line tells of the rest.
void print_annotations(std::FILE* out, const std::vector<Annotation>& annotations);

}  // namespace ringside::report
