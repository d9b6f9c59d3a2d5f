// The raw steps of a program that build rings and buffers in DMA memory: queues, descriptors, indexes, doorbells, and
// what comes back.
#pragma once

#include <cstddef>
#include <cstdint>

#include "testbench/scenarios/context.h"
#include "testbench/scenarios/program.h"
#include "testbench/scenarios/program_device.h"
#include "testbench/scenarios/program_memory.h"
#include "testbench/scenarios/program_report.h"

namespace ringside::scenarios {

class ProgramRings {
 public:
  ProgramRings(Context& context, StepReport& report, ProgramDevice& device)
      : context_(context), report_(report), device_(device), memory_(context.observer()) {}
  ProgramRings(const ProgramRings&) = delete;
  ProgramRings& operator=(const ProgramRings&) = delete;

  // What an address of a step is for the device. False, after a failed check, when it counts from what is not there.
  [[nodiscard]] bool resolve(std::uint64_t number, std::uint64_t base, std::uint64_t& address);

  void queue(const Step& step);
  void desc(const Step& step);
  void avail(const Step& step);
  void avail_index(const Step& step);
  void publish(const Step& step);
  void suppress(const Step& step);
  void notify(const Step& step);
  void await(const Step& step);
  void used(const Step& step);

  void buffer(const Step& step);
  void fill(const Step& step);
  void put(const Step& step);
  void header(const Step& step);
  void range(const Step& step);
  void peek(const Step& step);
  void hash(const Step& step);
  void check_fill(const Step& step);

  // Gives all memory back.
  void release();

 private:
  static constexpr std::uint32_t kMostQueues = block::kMaxQueues;
  static constexpr std::uint32_t kMostRetired = 64;
  static constexpr std::uint32_t kMostDoorbellOffset = 1u << 20;

  struct Ring {
    hal::DmaBuffer whole;  // of a legacy queue: all three areas; then the others are parts of it
    hal::DmaBuffer descriptors, available, used;
    bool packed = false;
    std::uint16_t size = 0;          // 0: no queue
    std::uint16_t next = 0;          // split: avail.idx as the program left it
    std::uint16_t seen = 0;          // split: used.idx up to which await has counted; packed: the next place to look at
    bool wrap = true;                // packed: the wrap counter of that place
    std::uint16_t* flags = nullptr;  // of each descriptor as the program wrote it, in private memory
    virtio::Doorbell doorbell;
    bool has_doorbell = false;
  };

  [[nodiscard]] bool allocate(Ring& ring);
  [[nodiscard]] bool allocate_legacy(Ring& ring);
  void program(std::uint16_t number, const Step& step, Ring& ring);
  void release(Ring& ring);
  [[nodiscard]] Ring* ring_of(std::uint64_t number);
  [[nodiscard]] Ring* split_ring_of(std::uint64_t number);
  [[nodiscard]] std::uint8_t* descriptor_of(const Step& step, bool& packed);
  void move_index(Ring& ring, std::uint16_t index);
  [[nodiscard]] std::uint32_t count_used(Ring& ring, std::uint32_t wanted);
  static void skip_list(Ring& ring);
  // `size` bytes from there; null, after a failed check, when the buffer does not hold them.
  [[nodiscard]] std::uint8_t* bytes_of(std::uint64_t buffer, std::uint64_t offset, std::uint64_t size);
  void fill_as_told(const Step& step, std::uint8_t* data, std::uint64_t size);
  [[nodiscard]] bool is_to_look(const Step& step) const;
  void put_number(std::uint8_t* at, std::uint64_t width, std::uint64_t value);

  Context& context_;
  StepReport& report_;
  ProgramDevice& device_;
  ProgramMemory memory_;
  Ring rings_[kMostQueues];
  Ring retired_[kMostRetired];  // that another queue step has replaced
  std::uint32_t retired_count_ = 0;
  hal::DmaBuffer buffers_[kMostBuffers];
  Awaited awaited_ = Awaited::nothing;  // by the last await; nothing once more after a doorbell
};

}  // namespace ringside::scenarios
