// The command line as its commands declare it. The library that reads it is named in command_line.cpp alone: no other
// header takes as long to compile.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "testbench/cli/exit_status.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace ringside::cli {

// What the command line asks for; runs after all of it has been understood.
using Action = std::function<ExitStatus()>;

// What else is to be said of an option.
class Option {
 public:
  explicit Option(CLI::Option* option) : option_(option) {}

  Option& required();
  Option& shows_default();  // in the help: what the variable holds when the option is declared
  Option& one_value();      // repeatable, and the words behind its value are not its own
  Option& value_text(const char* text);
  Option& within(std::uint64_t least, std::uint64_t most);
  Option& within_reals(double least, double most);

 private:
  CLI::Option* option_;
};

// One command. Values go into the variables that it names, which live as long as its action.
class Command {
 public:
  Command(CLI::App* command, Action* chosen) : command_(command), chosen_(chosen) {}

  // `name`: "--long", "-s,--long", or a word in its place.
  Option option(const char* name, std::string& variable, const char* help);
  Option option(const char* name, std::vector<std::string>& variable, const char* help);
  Option option(const char* name, unsigned& variable, const char* help);
  Option option(const char* name, std::uint64_t& variable, const char* help);
  Option option(const char* name, std::optional<std::uint64_t>& variable, const char* help);
  Option option(const char* name, double& variable, const char* help);
  Option flag(const char* name, bool& variable, const char* help);
  // With a value or without one, which is kFlagAlone then.
  Option flag(const char* name, std::string& variable, const char* help);
  void runs(Action action);

 private:
  CLI::App* command_;
  Action* chosen_;
};

inline constexpr char kFlagAlone[] = "true";

class CommandLine {
 public:
  CommandLine(const char* name, const char* version, const char* help, const char* footer);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  Command command(const char* name, const char* help);
  // What it asks for; empty when it has been answered (--help, --version). Throws targets::InputError.
  [[nodiscard]] Action parse(int argc, char** argv);
  [[nodiscard]] std::string help() const;

 private:
  void require_known_command(const char* word) const;

  std::unique_ptr<CLI::App> program_;
  Action chosen_;
};

}  // namespace ringside::cli
