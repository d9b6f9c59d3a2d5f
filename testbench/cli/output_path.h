// Places where a command will write, tried before it does its work: a path with a mistake in it costs no run.
#pragma once

#include <string>

namespace ringside::cli {

// Both throw targets::InputError. Neither leaves behind a file that was not there; a missing directory is made.
void require_writable(const std::string& file);
void require_directory(const std::string& directory);

// Throws std::system_error when not all of it reached the file.
void write_file(const std::string& path, const std::string& contents);

// "w.vcd" for one scenario; "w-flush.vcd" when several share a name.
[[nodiscard]] std::string path_for_scenario(const std::string& path, const std::string& scenario, bool several);

}  // namespace ringside::cli
