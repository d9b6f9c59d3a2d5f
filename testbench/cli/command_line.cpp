#include "testbench/cli/command_line.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <utility>

#include "testbench/targets/near_name.h"
#include "testbench/targets/target.h"

namespace ringside::cli {

Option& Option::required() {
  option_->required();
  return *this;
}

Option& Option::shows_default() {
  option_->capture_default_str();
  return *this;
}

Option& Option::one_value() {
  option_->allow_extra_args(false);
  return *this;
}

Option& Option::value_text(const char* text) {
  option_->option_text(text);
  return *this;
}

Option& Option::within(std::uint64_t least, std::uint64_t most) {
  option_->check(CLI::Range(least, most));
  return *this;
}

Option& Option::within_reals(double least, double most) {
  option_->check(CLI::Range(least, most));
  return *this;
}

Option Command::option(const char* name, std::string& variable, const char* help) {
  return Option(command_->add_option(name, variable, help));
}

Option Command::option(const char* name, std::vector<std::string>& variable, const char* help) {
  return Option(command_->add_option(name, variable, help));
}

Option Command::option(const char* name, unsigned& variable, const char* help) {
  return Option(command_->add_option(name, variable, help));
}

Option Command::option(const char* name, std::uint64_t& variable, const char* help) {
  return Option(command_->add_option(name, variable, help));
}

Option Command::option(const char* name, std::optional<std::uint64_t>& variable, const char* help) {
  return Option(command_->add_option(name, variable, help));
}

Option Command::option(const char* name, double& variable, const char* help) {
  return Option(command_->add_option(name, variable, help));
}

Option Command::flag(const char* name, bool& variable, const char* help) {
  return Option(command_->add_flag(name, variable, help));
}

Option Command::flag(const char* name, std::string& variable, const char* help) {
  return Option(command_->add_flag(name, variable, help));
}

void Command::runs(Action action) {
  command_->callback([chosen = chosen_, action = std::move(action)] { *chosen = action; });
}

CommandLine::CommandLine(const char* name, const char* version, const char* help, const char* footer)
    : program_(std::make_unique<CLI::App>(help, name)) {
  program_->footer(footer);
  program_->require_subcommand(1);
  program_->set_version_flag("--version", version);
}

CommandLine::~CommandLine() = default;

Command CommandLine::command(const char* name, const char* help) {
  return {program_->add_subcommand(name, help), &chosen_};
}

Action CommandLine::parse(int argc, char** argv) {
  if (argc >= 2 && argv[1][0] != '-') {
    require_known_command(argv[1]);
  }
  try {
    program_->parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    if (problem.get_exit_code() != 0) {
      throw targets::InputError(problem.what());
    }
    (void)program_->exit(problem);  // --help, --version: prints it
    return {};
  }
  return chosen_;
}

std::string CommandLine::help() const { return program_->help(); }

// A word where a command should be: the library would only call it unexpected.
void CommandLine::require_known_command(const char* word) const {
  std::vector<std::string> names;
  for (const CLI::App* command : std::as_const(*program_).get_subcommands(nullptr)) {
    names.push_back(command->get_name());
  }
  if (std::ranges::find(names, word) == names.end()) {
    throw targets::InputError(
        fmt::format("unknown command \"{}\"{}; `ringside --help` shows them", word, targets::suggestion(word, names)));
  }
}

}  // namespace ringside::cli
