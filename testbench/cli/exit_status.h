// What the program tells the shell.
#pragma once

namespace ringside::cli {

enum class ExitStatus : int {
  holds = 0,
  does_not_hold = 1,  // a divergence, a failed check, a run that did not finish, nothing but skips
  bad_input = 2,      // a wrong option, name or file; nothing selected
  lacking = 3,        // this machine lacks something
  failed = 4,         // Ringside itself failed
  interrupted = 130,
};

}  // namespace ringside::cli
