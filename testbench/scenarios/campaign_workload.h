// What a fault campaign runs: the steps of a program (program.h), judged by what a block device promises in place of
// what each step expects, so that the same requests may end well or badly, and still be right or wrong.
//
// It knows these steps: open (first), read, write, flush, get_id, discard, write_zeroes, submit, wait and finish. After
// the last of them the bench ends all faults, and in a calm phase everything must work again; a driver that has given
// the device up may bring it up anew for that.
#pragma once

#include <cstdint>

#include "testbench/scenarios/context.h"

namespace ringside::scenarios {

// What it is called in the log, whatever file a case lies in.
inline constexpr char kCampaignWorkload[] = "campaign-workload";

// The seed of the generated disk that it runs on: the oracle knows every sector of it.
inline constexpr std::uint64_t kCampaignDiskSeed = 0x6361'6d70'6169'676e;
inline constexpr std::uint64_t kCampaignDiskSectors = 256;
inline constexpr unsigned kCampaignLanes = 16;        // requests in flight
inline constexpr std::uint32_t kCampaignSectors = 8;  // of one request's data
inline constexpr unsigned kCampaignSegments = 3;      // of one request's data

// A check's name begins with the kind of failure that it stands for.
inline constexpr char kEndsCheck[] = "hung: every request ends";
inline constexpr char kInTimeCheck[] = "late: every request ends by its deadline";
inline constexpr char kContentsCheck[] = "corrupted: a read finds what was written";
inline constexpr char kLengthsCheck[] = "corrupted: no used length is beyond what was given";
inline constexpr char kCalmUpCheck[] = "calm: the disk comes up";
inline constexpr char kCalmWorksCheck[] = "calm: every request works";
inline constexpr char kCalmCacheCheck[] = "calm: the write cache is switched off as before";
inline constexpr char kCalmContentsCheck[] = "corrupted: in the calm phase a read finds what was written";

// What it observes: 1 when the disk was brought up anew in the calm phase; how many requests ended with a status (by
// its name); counters of the driver that are not zero (by the names of their fields).
inline constexpr char kReopened[] = "reopened";
inline constexpr char kNotUp[] = "not up";
// How late, in nanoseconds, the latest request before the calm phase ended; how many were sent in all, and how many
// flushes among them have succeeded.
inline constexpr char kLateness[] = "lateness";
inline constexpr char kRequests[] = "requests";
inline constexpr char kFlushes[] = "flushes";

void campaign_workload(Context& context);

}  // namespace ringside::scenarios
