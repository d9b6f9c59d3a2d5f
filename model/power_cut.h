// What is on a disk after a loss of power: all that was done before the last flush that succeeded, and of what came
// after it each sector of each write or not, in any combination (a volatile write cache promises no order). One object
// follows the write log and builds one such state; others with other seeds build others.
#pragma once

#include "model/overlay_storage.h"
#include "model/random.h"
#include "model/write_log.h"

namespace ringside::model {

class PowerCut final : public WriteLogSink {
 public:
  // `disk` holds what the logged disk held when its log began. Of the sectors that were not flushed, `percent` survive:
  // with 0 none does, with 100 all do, as when the cache wrote everything in order and at once.
  PowerCut(Storage& disk, std::uint64_t seed, unsigned percent = 50)
      : everything_(disk), survivors_(disk), random_(seed), percent_(percent) {}

  void entry(const WriteLogEntry& entry) override;
  // The power fails: `disk` is what is left. False when `disk` had a media error, now or before.
  [[nodiscard]] bool cut();

 private:
  void change(const WriteLogEntry& entry);
  void change_sector(const WriteLogEntry& entry, std::uint64_t offset, std::uint64_t size);

  OverlayStorage everything_;  // since the last flush
  OverlayStorage survivors_;
  Random random_;
  unsigned percent_;
  std::uint64_t end_ = 0;    // of the write before
  bool last_lives_ = false;  // what was decided for the sector there
  bool sound_ = true;
};

}  // namespace ringside::model
