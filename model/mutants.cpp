#include "model/mutants.h"

#include <algorithm>
#include <array>

namespace ringside::model {
namespace {

constexpr std::array kMutants{
    MutantInfo{Mutant::feature_bit_missing, "feature-bit-missing", "VIRTIO_BLK_F_TOPOLOGY is not offered"},
    MutantInfo{Mutant::write_mask_wrong, "write-mask-wrong", "one bit of the cache line size cannot be written"},
    MutantInfo{Mutant::config_read_off_by_one, "config-read-off-by-one",
               "byte reads of the device configuration return the byte after"},
    MutantInfo{Mutant::capacity_off_by_one, "capacity-off-by-one", "the capacity is one sector too large"},
    MutantInfo{Mutant::used_length_too_long, "used-length-too-long", "the used length exceeds the buffer by one"},
    MutantInfo{Mutant::used_before_status, "used-before-status",
               "the status byte arrives after the used index, with the next request's"},
    MutantInfo{Mutant::interrupt_missing, "interrupt-missing", "every eighth interrupt is not sent"},
    MutantInfo{Mutant::wrong_sector, "wrong-sector", "reads of odd sectors return the sector before"},
    MutantInfo{Mutant::stray_write, "stray-write", "a read writes one byte beyond its buffer"},
    MutantInfo{Mutant::payload_corrupted, "payload-corrupted", "one bit of the data of every eighth read is inverted"},
    MutantInfo{Mutant::write_lost, "write-lost", "every fourth write is not stored"},
    MutantInfo{Mutant::discard_too_far, "discard-too-far", "a discard takes the sector after its last one with it"},
    MutantInfo{Mutant::write_zeroes_ignored, "write-zeroes-ignored", "WRITE_ZEROES leaves the sectors as they are"},
    MutantInfo{Mutant::id_wrong, "id-wrong", "GET_ID returns another serial number"},
    MutantInfo{Mutant::queue_reset_keeps_index, "queue-reset-keeps-index",
               "a reset queue goes on at its old ring indices"},
    MutantInfo{Mutant::reset_keeps_status, "reset-keeps-status", "a device reset leaves ACKNOWLEDGE in the status"},
    MutantInfo{Mutant::used_id_swapped, "used-id-swapped", "the used element names the head beside the right one"},
    MutantInfo{Mutant::flush_fails, "flush-fails", "FLUSH answers VIRTIO_BLK_S_IOERR"},
    MutantInfo{Mutant::vector_readback_wrong, "vector-readback-wrong",
               "queue_msix_vector reads back as VIRTIO_MSI_NO_VECTOR"},
    MutantInfo{Mutant::write_cache_stuck, "write-cache-stuck", "a write to the writeback field is ignored"},
    MutantInfo{Mutant::status_byte_missing, "status-byte-missing",
               "the status byte of a failed request stays unwritten"},
};

}  // namespace

std::span<const MutantInfo> all_mutants() { return kMutants; }

std::optional<Mutant> mutant_by_name(std::string_view name) {
  const auto* const found = std::ranges::find(kMutants, name, &MutantInfo::name);
  return found == kMutants.end() ? std::nullopt : std::optional(found->mutant);
}

}  // namespace ringside::model
