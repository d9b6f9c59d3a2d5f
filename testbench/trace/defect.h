// What is wrong with a chain or a ring that the tap has read: things that no other record tells. A run without mistakes
// has no such record. Freestanding, because a bare-metal guest writes them too.
#pragma once

#include <cstdint>

namespace ringside::trace {

enum class Defect : std::uint8_t {
  // Of a chain; the record stands before that of its request.
  readable_after_writable = 1,  // VIRTIO 1.2, 2.6.4.2
  next_not_sequential = 2,      // in the descriptor table, with IN_ORDER: 2.7.5.2
  table_not_sequential = 3,     // in an indirect table, with IN_ORDER: 2.7.5.3.1
  nested_table = 4,             // an indirect table inside another: 2.7.5.3.1
  indirect_with_next = 5,       // 2.7.5.3.1
  endless = 6,                  // it comes back to where it was, or leaves its table
  more_than_4_gib = 7,          // 2.7.5.2
  head_before_rest = 8,         // a packed list of which later descriptors were not there yet: 2.8.14.2
  flags_in_table = 9,           // a packed indirect table has flags besides WRITE: 2.8.19.1
  indirect_in_list = 10,        // a packed list has a descriptor with INDIRECT: 2.8.19.1
  outside_memory = 11,          // an address that is no memory of the driver's
  unmap_in_discard = 12,        // 5.2.6.1
  reserved_range_flags = 13,    // flags of a range that mean nothing: 5.2.6.2
  legacy_layout = 14,           // without ANY_LAYOUT: header, data and status each in descriptors of their own
  // Of a ring.
  entry_rewritten = 15,      // the driver stored to a packed descriptor that the device has: 2.8.14.2
  used_flags_at_start = 16,  // the driver enabled a queue whose used ring has flags set: 2.7.10.1
  used_flags = 17,           // the device set flags that it must not: 2.7.10.2; `length` = the flags
};

}  // namespace ringside::trace
