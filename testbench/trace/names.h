// What people call the numbers in a record.
#pragma once

#include <string>

#include "testbench/trace/record.h"

namespace ringside::trace {

// As in record.h: "config_read". Null for a kind that this version does not know.
[[nodiscard]] const char* name_of(Kind kind);
[[nodiscard]] const char* name_of(Tap tap);

// "common", "notify", ... or "structure 9".
[[nodiscard]] std::string structure_name(std::uint32_t structure);
// "common.device_status", "device.capacity", "msix_table[1].data", "isr+0x4".
[[nodiscard]] std::string register_name(std::uint32_t structure, std::uint64_t offset);
// "COMMAND", "BAR4", "0x84".
[[nodiscard]] std::string config_register_name(std::uint64_t offset);
// "00:04.0"
[[nodiscard]] std::string function_name(std::uint32_t bdf);
// "ACKNOWLEDGE|DRIVER", "0".
[[nodiscard]] std::string status_name(std::uint64_t status);
// "IN", "OUT", "FLUSH", "type 7".
[[nodiscard]] std::string request_type_name(std::uint16_t type);
// "OK", "IOERR", "UNSUPP", "status 9".
[[nodiscard]] std::string request_status_name(std::uint64_t status);
// "disk_sectors", "ask 9".
[[nodiscard]] std::string ask_name(std::uint64_t ask);
// "dma 3 + 0x40", "bar 4 + 0x10", "0xfee00000".
[[nodiscard]] std::string region_name(std::uint32_t region, std::uint64_t offset);
// The same of a packed address.
[[nodiscard]] std::string packed_address_name(std::uint64_t address);
// "msi 1", "irq 11".
[[nodiscard]] std::string vector_name(std::uint64_t vector);

// One line for people: what happened, without the time.
[[nodiscard]] std::string describe(const Record& record);

}  // namespace ringside::trace
