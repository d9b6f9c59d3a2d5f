// Registers, commands and IDENTIFY words of ATA (ATA/ATAPI-6, INCITS 361), under the specification's names.
#pragma once

#include <cstdint>

namespace ringside::block::ata {

// Command block: offsets from the first port. Some mean one thing when read and another when written.
inline constexpr std::uint16_t DATA = 0;
inline constexpr std::uint16_t ERROR = 1;
inline constexpr std::uint16_t SECTOR_COUNT = 2;
inline constexpr std::uint16_t LBA_LOW = 3;
inline constexpr std::uint16_t LBA_MID = 4;
inline constexpr std::uint16_t LBA_HIGH = 5;
inline constexpr std::uint16_t DEVICE = 6;
inline constexpr std::uint16_t STATUS = 7;   // read
inline constexpr std::uint16_t COMMAND = 7;  // write

// Status.
inline constexpr std::uint8_t BSY = 0x80;
inline constexpr std::uint8_t DRDY = 0x40;
inline constexpr std::uint8_t DF = 0x20;
inline constexpr std::uint8_t DRQ = 0x08;
inline constexpr std::uint8_t ERR = 0x01;
inline constexpr std::uint8_t kFloating = 0xff;  // no controller: nobody drives the bus
inline constexpr std::uint8_t kNobody = 0x00;    // a controller without this drive

inline constexpr std::uint8_t ABRT = 0x04;  // in ERROR

// Device control, at the port of the alternate status.
inline constexpr std::uint8_t nIEN = 0x02;
inline constexpr std::uint8_t SRST = 0x04;

// Device register: bits 7 and 5 are obsolete and set by everybody.
inline constexpr std::uint8_t kDeviceBase = 0xa0;
inline constexpr std::uint8_t LBA = 0x40;
inline constexpr std::uint8_t DEV = 0x10;

inline constexpr std::uint8_t READ_SECTORS = 0x20;
inline constexpr std::uint8_t READ_SECTORS_EXT = 0x24;
inline constexpr std::uint8_t WRITE_SECTORS = 0x30;
inline constexpr std::uint8_t WRITE_SECTORS_EXT = 0x34;
inline constexpr std::uint8_t FLUSH_CACHE = 0xe7;
inline constexpr std::uint8_t FLUSH_CACHE_EXT = 0xea;
inline constexpr std::uint8_t IDENTIFY_DEVICE = 0xec;

// Words of IDENTIFY DEVICE.
inline constexpr unsigned kIdentifyWords = 256;
inline constexpr unsigned kWordGeneral = 0;
inline constexpr std::uint16_t kNotAta = 0x8000;
inline constexpr unsigned kWordSerial = 10;  // 10 words, two characters each, the first in the upper byte
inline constexpr unsigned kWordCapabilities = 49;
inline constexpr std::uint16_t kCapabilityLba = 1u << 9;
inline constexpr unsigned kWordLba28Sectors = 60;  // 2 words
inline constexpr unsigned kWordCommandSets = 83;
inline constexpr std::uint16_t kCommandSetsValidMask = 0xc000;  // bits 15 and 14 are 0 and 1 where the word means
inline constexpr std::uint16_t kCommandSetsValid = 0x4000;      // anything
inline constexpr std::uint16_t kSetFlushExt = 1u << 13;
inline constexpr std::uint16_t kSetFlush = 1u << 12;
inline constexpr std::uint16_t kSetLba48 = 1u << 10;
inline constexpr unsigned kWordLba48Sectors = 100;  // 4 words
inline constexpr unsigned kWordSectorSize = 106;
inline constexpr std::uint16_t kLongSectors = 1u << 12;  // logical sectors longer than 512 bytes

inline constexpr std::uint64_t kLba28Limit = 1u << 28;
inline constexpr std::uint64_t kLba48Limit = std::uint64_t{1} << 48;

}  // namespace ringside::block::ata
