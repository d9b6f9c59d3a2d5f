#include "testbench/scenarios/program_disks.h"

#include <new>

#include "driver/hal/bits.h"
#include "testbench/scenarios/program_data.h"
#include "testbench/scenarios/workload.h"

namespace ringside::scenarios {
namespace {

using block::Operation;
using block::Status;

// Bytes of data that a request of this kind comes with.
std::uint32_t data_bytes(const Step& step) {
  switch (step.op) {
    case Op::read:
    case Op::write:
      return static_cast<std::uint32_t>((step.given >> RequestArgs::bytes & 1) != 0
                                            ? step.args[RequestArgs::bytes]
                                            : step.args[RequestArgs::sectors] * block::kSectorSize);
    case Op::get_id:
      return block::kIdSize;
    case Op::get_lifetime:
      return block::kLifetimeSize;
    default:
      return 0;
  }
}

bool was_given(const Step& step, unsigned slot) { return (step.given >> slot & 1) != 0; }

bool meets(std::uint64_t expected, bool came_up) {
  return expected == static_cast<std::uint64_t>(Expected::any) ||
         came_up == (expected == static_cast<std::uint64_t>(Expected::yes));
}

}  // namespace

block::Operation operation_of(Op op) {
  switch (op) {
    case Op::write:
      return Operation::write;
    case Op::flush:
      return Operation::flush;
    case Op::get_id:
      return Operation::get_id;
    case Op::get_lifetime:
      return Operation::get_lifetime;
    case Op::discard:
      return Operation::discard;
    case Op::write_zeroes:
      return Operation::write_zeroes;
    case Op::secure_erase:
      return Operation::secure_erase;
    default:
      return Operation::read;
  }
}

block::Options options_of(const Step& step) {
  const auto& args = step.args;
  block::Options options;
  options.disk = static_cast<unsigned>(args[OpenArgs::disk]);
  options.completion = static_cast<block::Completion>(args[OpenArgs::completion]);
  options.transport = static_cast<block::TransportChoice>(args[OpenArgs::transport]);
  options.config_access = static_cast<block::ConfigAccess>(args[OpenArgs::config]);
  options.queues = static_cast<std::uint16_t>(args[OpenArgs::queues]);
  options.vectors = static_cast<block::VectorUse>(args[OpenArgs::vectors]);
  options.queue_size = static_cast<std::uint16_t>(args[OpenArgs::queue_size]);
  options.features = ~args[OpenArgs::without];
  options.timeout = args[OpenArgs::timeout_ms] * hal::kMillisecond;
  options.check_requests = args[OpenArgs::check_requests] != 0;
  options.data_alignment = static_cast<std::uint32_t>(args[OpenArgs::data_alignment]);
  return options;
}

bool ProgramDisks::init() {
  hal::Machine& machine = context_.machine();
  flights_ = static_cast<Flight*>(machine.alloc_private(kMostFlights * sizeof(Flight), alignof(Flight)));
  gathered_ = static_cast<Flight**>(machine.alloc_private(kMostFlights * sizeof(Flight*), alignof(Flight*)));
  for (unsigned i = 0; flights_ != nullptr && i < kMostFlights; ++i) {
    new (flights_ + i) Flight{};
  }
  return flights_ != nullptr && gathered_ != nullptr;
}

// --- Up and down

void ProgramDisks::open(const Step& step) {
  const std::uint64_t which = step.args[OpenArgs::disk];
  if (!report_.require(disks_[which] == nullptr, "the disk is not open yet") ||
      !report_.require(hal::is_power_of_two(step.args[OpenArgs::data_alignment]), "the alignment is a power of two")) {
    return;
  }
  disks_[which] = context_.try_open(options_of(step));
  const bool came_up = disks_[which] != nullptr;
  const std::uint64_t expected = step.args[OpenArgs::expect];
  may_be_down_[which] = expected != static_cast<std::uint64_t>(Expected::yes);
  report_.observe("came up", came_up ? 1 : 0);
  report_.check(meets(expected, came_up), "the disk comes up, or not, as expected");
}

// Null when the step has nothing to do: a failed check, unless the program foresaw it.
block::BlockDevice* ProgramDisks::disk_of(std::uint64_t number) {
  block::BlockDevice* const disk = disks_[number];
  if (disk == nullptr && !may_be_down_[number]) {
    report_.require(false, "the disk is open");
  }
  return disk;
}

void ProgramDisks::shutdown(const Step& step) {
  const std::uint64_t which = step.args[DiskArgs::disk];
  if (disk_of(which) != nullptr) {
    shut_down(which);
  }
}

void ProgramDisks::shut_down(std::uint64_t which) {
  finish_disk(which);
  disks_[which]->shutdown();
  disks_[which] = nullptr;
  may_be_down_[which] = false;
}

void ProgramDisks::shutdown_all() {
  for (unsigned which = 0; which < kMostDisks; ++which) {
    if (disks_[which] != nullptr) {
      shut_down(which);
    }
  }
}

// --- Requests

void ProgramDisks::request(const Step& step) {
  block::BlockDevice* const disk = disk_of(step.args[RequestArgs::disk]);
  Flight* const flight = disk == nullptr ? nullptr : prepare(step);
  if (flight == nullptr) {
    return;
  }
  flight->state = Flight::State::collected;
  if (step.args[RequestArgs::batch] == 0) {
    flight->state = Flight::State::sent;
    static_cast<void>(disk->execute(flight->request));
    settle(*flight);
  }
}

ProgramDisks::Flight* ProgramDisks::prepare(const Step& step) {
  Flight* flight = nullptr;
  for (unsigned i = 0; i < kMostFlights && flight == nullptr; ++i) {
    flight = flights_[i].state == Flight::State::free ? flights_ + i : nullptr;
  }
  if (!report_.require(flight != nullptr, "there are not too many requests at a time")) {
    return nullptr;
  }
  const auto& args = step.args;
  *flight = Flight{};
  flight->disk = static_cast<std::uint8_t>(args[RequestArgs::disk]);
  flight->number = report_.number();
  flight->step = &step;
  flight->request.operation = operation_of(step.op);
  flight->request.queue = static_cast<std::uint16_t>(args[RequestArgs::queue]);
  flight->request.sector = args[RequestArgs::sector];
  flight->request.sector_count = static_cast<std::uint32_t>(args[RequestArgs::sectors]);
  flight->request.unmap = args[RequestArgs::unmap] != 0;
  return give_data(step, *flight) ? flight : nullptr;
}

bool ProgramDisks::give_data(const Step& step, Flight& flight) {
  flight.size = data_bytes(step);
  if (flight.size == 0) {
    return true;
  }
  const std::uint64_t shift = step.args[RequestArgs::shift];
  flight.buffer = context_.machine().alloc_dma_buffer(flight.size + shift, 512);
  if (!report_.require(flight.buffer.cpu != nullptr, "there is DMA memory")) {
    return false;
  }
  flight.data = static_cast<std::uint8_t*>(flight.buffer.cpu) + shift;
  if (step.op == Op::write) {
    fill_sectors(flight.data, flight.size, step.args[RequestArgs::fill], flight.request.sector);
  } else {
    constexpr std::uint8_t kUntouched = 0xa5;  // what nobody wrote does not pass for zeroes, nor for any fill
    fill_bytes(flight.data, flight.size, kUntouched);
  }
  cut(flight, step.op == Op::read || step.op == Op::write ? step.args[RequestArgs::segments] : 1);
  return true;
}

// Into so many pieces, of a byte at least; odd sizes where there is more than one.
void ProgramDisks::cut(Flight& flight, std::uint64_t pieces) {
  const auto most = static_cast<std::uint32_t>(pieces == 0 ? 1 : pieces < kMostPieces ? pieces : kMostPieces);
  const std::uint32_t count = most < flight.size ? most : flight.size;
  std::uint32_t done = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t left = count - i;
    const std::uint32_t even = (flight.size - done) / left;
    const std::uint32_t odd = left > 1 && even > 2 && i % 2 == 0 ? even - 1 : even;
    const std::uint32_t size = left == 1 ? flight.size - done : odd;
    flight.pieces[i] = {flight.data + done, size};
    done += size;
  }
  flight.request.segments = flight.pieces;
  flight.request.segment_count = static_cast<std::uint16_t>(count);
}

void ProgramDisks::settle(Flight& flight) {
  const Step& step = *flight.step;
  const Status status = flight.request.status;
  report_.observe_of(flight.number, "status", static_cast<std::uint64_t>(status));
  report_.check_of(flight.number, as_expected(step.args[RequestArgs::expect], status), "the request ends as expected");
  if (step.op == Op::read && status == Status::ok) {
    check_contents(flight);
  }
  if (flight.buffer.cpu != nullptr) {
    context_.machine().free_dma_buffer(flight.buffer);
  }
  flight.state = Flight::State::free;
}

void ProgramDisks::check_contents(const Flight& flight) {
  const Step& step = *flight.step;
  if (was_given(step, RequestArgs::expect_fill)) {
    report_.check_of(
        flight.number,
        holds_sectors(flight.data, flight.size, step.args[RequestArgs::expect_fill], flight.request.sector),
        "what was written is read");
  }
  if (step.args[RequestArgs::expect_zero] != 0) {
    report_.check_of(flight.number, holds_bytes(flight.data, flight.size, 0), "zeroes are read");
  }
}

bool ProgramDisks::as_expected(std::uint64_t expected, Status status) {
  return expected == kAnyStatus || expected == static_cast<std::uint64_t>(status);
}

unsigned ProgramDisks::gather(std::uint64_t disk, Flight::State state, Flight** flights) {
  unsigned count = 0;
  for (unsigned i = 0; i < kMostFlights; ++i) {
    Flight& flight = flights_[i];
    if (flight.state != state || flight.disk != disk) {
      continue;
    }
    unsigned place = count++;
    for (; place > 0 && flights[place - 1]->number > flight.number; --place) {
      flights[place] = flights[place - 1];
    }
    flights[place] = &flight;
  }
  return count;
}

void ProgramDisks::submit(const Step& step) {
  if (disk_of(step.args[DiskArgs::disk]) != nullptr) {
    send_collected(step.args[DiskArgs::disk]);
  }
}

void ProgramDisks::send_collected(std::uint64_t which) {
  const unsigned count = gather(which, Flight::State::collected, gathered_);
  for (unsigned i = 0; i < count; ++i) {
    gathered_[i]->state = Flight::State::sent;
  }
  send_some(*disks_[which], gathered_, count);
}

// In runs as long as the array here; what a full ring does not take is sent when something has completed.
void ProgramDisks::send_some(block::BlockDevice& disk, Flight** flights, unsigned count) {
  constexpr unsigned kRun = 64;
  block::Request* requests[kRun];
  unsigned sent = 0;
  while (sent < count) {
    const unsigned run = count - sent < kRun ? count - sent : kRun;
    for (unsigned i = 0; i < run; ++i) {
      requests[i] = &flights[sent + i]->request;
    }
    const std::size_t taken = disk.submit(requests, run);
    sent += static_cast<unsigned>(taken);
    if (taken == 0 && disk.wait_queue(requests[0]->queue, 1) == 0) {
      break;  // a full ring that never empties
    }
  }
  for (; sent < count; ++sent) {
    flights[sent]->request.status = Status::device_lost;
  }
}

void ProgramDisks::wait(const Step& step) {
  block::BlockDevice* const disk = disk_of(step.args[DiskArgs::disk]);
  if (disk == nullptr) {
    return;
  }
  const std::uint64_t count = step.args[DiskArgs::count];
  if (was_given(step, DiskArgs::queue)) {
    static_cast<void>(disk->wait_queue(static_cast<std::uint16_t>(step.args[DiskArgs::queue]), count));
  } else {
    static_cast<void>(disk->wait(count));
  }
}

void ProgramDisks::poll(const Step& step) {
  if (block::BlockDevice* const disk = disk_of(step.args[DiskArgs::disk]); disk != nullptr) {
    static_cast<void>(disk->poll());
  }
}

void ProgramDisks::finish(const Step& step) {
  if (disk_of(step.args[DiskArgs::disk]) != nullptr) {
    finish_disk(step.args[DiskArgs::disk]);
  }
}

// Every wait of the driver ends at the requests' deadlines; one that completes nothing has nothing left to wait for.
void ProgramDisks::finish_disk(std::uint64_t which) {
  send_collected(which);
  block::BlockDevice& disk = *disks_[which];
  while (disk.in_flight() != 0 && disk.wait(disk.in_flight()) != 0) {
  }
  const unsigned count = gather(which, Flight::State::sent, gathered_);
  for (unsigned i = 0; i < count; ++i) {
    if (gathered_[i]->request.status == Status::pending) {
      static_cast<void>(disk.poll());  // what the driver refused completes here
    }
    settle(*gathered_[i]);
  }
}

// --- The device as a whole

void ProgramDisks::set_write_cache(const Step& step) {
  block::BlockDevice* const disk = disk_of(step.args[SettingArgs::disk]);
  if (disk == nullptr) {
    return;
  }
  const Status status = disk->set_write_cache(step.args[SettingArgs::value] != 0);
  report_.observe("status", static_cast<std::uint64_t>(status));
  report_.check(as_expected(step.args[SettingArgs::expect], status),
                "the write cache is switched, or not, as expected");
  report_.observe("write cache", disk->write_cache() ? 1 : 0);
}

void ProgramDisks::reset_queue(const Step& step) {
  const std::uint64_t which = step.args[SettingArgs::disk];
  block::BlockDevice* const disk = disk_of(which);
  if (disk == nullptr) {
    return;
  }
  finish_disk(which);
  const Status status = disk->reset_queue(static_cast<std::uint16_t>(step.args[SettingArgs::value]));
  report_.observe("status", static_cast<std::uint64_t>(status));
  report_.check(as_expected(step.args[SettingArgs::expect], status), "the queue is reset, or not, as expected");
}

void ProgramDisks::info(const Step& step) {
  block::BlockDevice* const disk = disk_of(step.args[DiskArgs::disk]);
  if (disk == nullptr) {
    return;
  }
  const block::DiskInfo& info = disk->info();
  report_.observe("features", info.features);
  report_.observe("sectors", info.sectors);
  report_.observe("queue size", info.queue_size);
  report_.observe("queues", info.queues);
  report_.observe("block size", info.block_size);
}

void ProgramDisks::counters(const Step& step) {
  if (block::BlockDevice* const disk = disk_of(step.args[DiskArgs::disk]); disk != nullptr) {
    check_counters(context_, *disk);
  }
}

}  // namespace ringside::scenarios
