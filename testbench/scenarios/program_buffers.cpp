// The buffer steps of program_rings.h.
#include "driver/hal/bits.h"
#include "testbench/scenarios/program_data.h"
#include "testbench/scenarios/program_rings.h"

namespace ringside::scenarios {
namespace {

bool was_given(const Step& step, unsigned slot) { return (step.given >> slot & 1) != 0; }

bool is_width(std::uint64_t width) { return width == 1 || width == 2 || width == 4 || width == 8; }

}  // namespace

std::uint8_t* ProgramRings::bytes_of(std::uint64_t buffer, std::uint64_t offset, std::uint64_t size) {
  const hal::DmaBuffer* const found = buffer < kMostBuffers ? buffers_ + buffer : nullptr;
  const bool exists = found != nullptr && found->cpu != nullptr;
  if (!report_.require(exists, "the buffer exists") ||
      !report_.require(offset <= found->size && size <= found->size - offset, "the bytes lie in the buffer")) {
    return nullptr;
  }
  return static_cast<std::uint8_t*>(found->cpu) + offset;
}

void ProgramRings::buffer(const Step& step) {
  hal::DmaBuffer& buffer = buffers_[step.args[BufferArgs::buffer]];
  const std::uint64_t size = step.args[BufferArgs::length];
  const std::uint64_t alignment = step.args[BufferArgs::align];
  if (!report_.require(buffer.cpu == nullptr, "the buffer does not exist yet") ||
      !report_.require(size != 0 && hal::is_power_of_two(alignment), "size and alignment make sense")) {
    return;
  }
  buffer = context_.machine().alloc_dma_buffer(size, alignment);
  if (report_.require(buffer.cpu != nullptr, "there is DMA memory")) {
    fill_as_told(step, static_cast<std::uint8_t*>(buffer.cpu), size);
  }
}

// Before a device can know of it, or between its requests: plain stores, published by the fence before an index.
void ProgramRings::fill_as_told(const Step& step, std::uint8_t* data, std::uint64_t size) {
  if (was_given(step, BufferArgs::fill)) {
    fill_sectors(data, size, step.args[BufferArgs::fill], step.args[BufferArgs::sector]);
  } else if (was_given(step, BufferArgs::byte)) {
    fill_bytes(data, size, static_cast<std::uint8_t>(step.args[BufferArgs::byte]));
  }
}

void ProgramRings::fill(const Step& step) {
  const std::uint64_t size = step.args[BufferArgs::length];
  if (std::uint8_t* const data = bytes_of(step.args[BufferArgs::buffer], step.args[BufferArgs::offset], size);
      data != nullptr) {
    fill_as_told(step, data, size);
  }
}

void ProgramRings::put_number(std::uint8_t* at, std::uint64_t width, std::uint64_t value) {
  for (std::uint64_t i = 0; i < width; ++i) {
    memory_.store(at + i, static_cast<std::uint8_t>(value >> 8 * i));
  }
}

void ProgramRings::put(const Step& step) {
  std::uint64_t value = 0;
  const std::uint64_t width = step.args[BufferArgs::width];
  if (!report_.require(is_width(width), "a number has 1, 2, 4 or 8 bytes") ||
      !resolve(step.args[BufferArgs::value], step.args[BufferArgs::base], value)) {
    return;
  }
  if (std::uint8_t* const at = bytes_of(step.args[BufferArgs::buffer], step.args[BufferArgs::offset], width);
      at != nullptr) {
    put_number(at, width, value);
  }
}

// struct virtio_blk_req: le32 type, le32 ioprio, le64 sector
void ProgramRings::header(const Step& step) {
  std::uint8_t* const at = bytes_of(step.args[HeaderArgs::buffer], step.args[HeaderArgs::offset], 16);
  if (at != nullptr) {
    put_number(at, 4, step.args[HeaderArgs::type]);
    put_number(at + 4, 4, step.args[HeaderArgs::ioprio]);
    put_number(at + 8, 8, step.args[HeaderArgs::sector]);
  }
}

// struct virtio_blk_discard_write_zeroes: le64 sector, le32 num_sectors, le32 flags
void ProgramRings::range(const Step& step) {
  std::uint8_t* const at = bytes_of(step.args[RangeArgs::buffer], step.args[RangeArgs::offset], 16);
  if (at != nullptr) {
    put_number(at, 8, step.args[RangeArgs::sector]);
    put_number(at + 8, 4, step.args[RangeArgs::sectors]);
    put_number(at + 12, 4, step.args[RangeArgs::flags]);
  }
}

// What the buffers of a request hold that the device has not used is for nobody to say: it may still be at it, or have
// broken before it wrote there or after (VIRTIO 1.2, 2.1.1: nothing in flight is to be counted on any more).
bool ProgramRings::is_to_look(const Step& step) const {
  return step.args[BufferArgs::when] == static_cast<std::uint64_t>(Look::always) || awaited_ == Awaited::used;
}

void ProgramRings::peek(const Step& step) {
  if (!is_to_look(step)) {
    return;
  }
  const std::uint64_t width = step.args[BufferArgs::width];
  const std::uint8_t* const at =
      is_width(width) ? bytes_of(step.args[BufferArgs::buffer], step.args[BufferArgs::offset], width) : nullptr;
  if (!report_.require(at != nullptr, "there is something to look at")) {
    return;
  }
  std::uint64_t value = 0;
  for (std::uint64_t i = 0; i < width; ++i) {
    value |= std::uint64_t{memory_.load(at + i)} << 8 * i;
  }
  report_.observe("bytes", value);
  if (was_given(step, BufferArgs::expect)) {
    report_.check(value == step.args[BufferArgs::expect], "the bytes are what was expected");
  }
}

void ProgramRings::hash(const Step& step) {
  if (!is_to_look(step)) {
    return;
  }
  const std::uint64_t size = step.args[BufferArgs::length];
  if (const std::uint8_t* const at = bytes_of(step.args[BufferArgs::buffer], step.args[BufferArgs::offset], size);
      at != nullptr) {
    report_.observe("hash", context_.bench().hash(at, size));
  }
}

void ProgramRings::check_fill(const Step& step) {
  const std::uint64_t size = step.args[BufferArgs::length];
  const std::uint8_t* const at = bytes_of(step.args[BufferArgs::buffer], step.args[BufferArgs::offset], size);
  if (at == nullptr) {
    return;
  }
  const bool holds = was_given(step, BufferArgs::fill)
                         ? holds_sectors(at, size, step.args[BufferArgs::fill], step.args[BufferArgs::sector])
                         : holds_bytes(at, size, static_cast<std::uint8_t>(step.args[BufferArgs::byte]));
  report_.check(holds, "the buffer holds what was expected");
}

}  // namespace ringside::scenarios
