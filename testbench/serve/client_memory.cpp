#include "testbench/serve/client_memory.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <iterator>
#include <new>

#include "model/shared_copy.h"
#include "testbench/serve/lost_memory.h"

namespace ringside::serve {
namespace {

// A file, or a part of one, that is as large as it should be. Devices and pipes are nothing to map.
bool holds(int file, std::uint64_t offset, std::uint64_t bytes) {
  struct stat status {};
  if (::fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) {
    return false;
  }
  const auto size = static_cast<std::uint64_t>(status.st_size);
  return bytes <= size && offset <= size - bytes;
}

}  // namespace

ClientMemory::ClientMemory(const sc_core::sc_module_name& name) : sc_module(name), socket("socket") {
  void* const window = ::mmap(nullptr, kWindowBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (window == MAP_FAILED) {
    throw std::bad_alloc();
  }
  window_ = static_cast<std::uint8_t*>(window);
  watch_for_loss(window_, kWindowBytes);
  socket.register_b_transport(this, &ClientMemory::b_transport);
  socket.register_transport_dbg(this, &ClientMemory::transport_dbg);
  socket.register_get_direct_mem_ptr(this, &ClientMemory::get_direct_mem_ptr);
}

ClientMemory::~ClientMemory() {
  watch_for_loss(nullptr, 0);
  ::munmap(window_, kWindowBytes);
}

void ClientMemory::power_on() {
  unmap_all();
  iommu.power_on(true);
  forget_loss();
}

bool ClientMemory::overlaps(const ClientRange& range) const {
  const auto after = maps_.lower_bound(range.bus);
  const bool runs_into_next = after != maps_.end() && after->first - range.bus < range.bytes;
  const bool starts_in_previous =
      after != maps_.begin() && range.bus - std::prev(after)->first < std::prev(after)->second.bytes;
  return runs_into_next || starts_in_previous;
}

// First fit. kWindowBytes when there is none.
std::uint64_t ClientMemory::room_for(std::uint64_t bytes) const {
  std::uint64_t start = 0;
  for (const auto& [used, place] : places_) {
    if (used - start >= bytes) {
      return start;
    }
    start = used + place->bytes;
  }
  return bytes <= kWindowBytes - start ? start : kWindowBytes;
}

int ClientMemory::map(const ClientRange& range, const targets::Descriptor& file, std::uint64_t offset) {
  if (overlaps(range)) {
    return EEXIST;
  }
  if (maps_.size() >= kMostMaps) {
    return ENOSPC;
  }
  Place place{range.bytes, 0, file.valid()};
  if (place.reachable) {
    if ((range.bus | range.bytes | offset) % model::Iommu::kPageBytes != 0 || !holds(file.get(), offset, range.bytes)) {
      return EINVAL;
    }
    place.start = room_for(range.bytes);
    if (place.start == kWindowBytes) {
      return ENOSPC;
    }
    // Readable in any case: the IOMMU says what the function may do, and a file that is open for reading only is mapped
    // likewise.
    const int protection = PROT_READ | (range.writable ? PROT_WRITE : 0);
    if (::mmap(window_ + place.start, range.bytes, protection, MAP_SHARED | MAP_FIXED, file.get(),
               static_cast<off_t>(offset)) == MAP_FAILED) {
      const int error = errno;
      forget(place);
      return error;
    }
    if (!iommu.map({range.bus, range.bytes, place.start, range.readable, range.writable})) {
      forget(place);
      return EINVAL;
    }
  }
  const Place& kept = maps_.emplace(range.bus, place).first->second;
  if (kept.reachable) {
    places_.emplace(kept.start, &kept);
  }
  return 0;
}

// What lies there cannot be reached any more, and is no longer the client's. If the kernel cannot do even that, the
// IOMMU still keeps every device from it.
void ClientMemory::forget(const Place& place) {
  (void)::mmap(window_ + place.start, place.bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED,
               -1, 0);
}

int ClientMemory::unmap(std::uint64_t bus, std::uint64_t bytes) {
  const auto found = maps_.find(bus);
  if (found == maps_.end() || found->second.bytes != bytes) {
    return ENOENT;
  }
  const Place place = found->second;
  if (place.reachable) {
    iommu.unmap(bus);
    socket->invalidate_direct_mem_ptr(place.start, place.start + place.bytes - 1);
    places_.erase(place.start);
    forget(place);
  }
  maps_.erase(found);
  return 0;
}

void ClientMemory::unmap_all() {
  while (!maps_.empty()) {
    (void)unmap(maps_.begin()->first, maps_.begin()->second.bytes);
  }
}

std::uint8_t* ClientMemory::at(std::uint64_t bus) const {
  const auto found = maps_.find(bus);
  return found != maps_.end() && found->second.reachable ? window_ + found->second.start : nullptr;
}

bool ClientMemory::ram_out_of_reach() const {
  const auto found = maps_.find(0);
  return found != maps_.end() && !found->second.reachable;
}

bool ClientMemory::lost() const { return memory_was_lost(); }

const ClientMemory::Place* ClientMemory::place_at(std::uint64_t address) const {
  const auto after = places_.upper_bound(address);
  if (after == places_.begin()) {
    return nullptr;
  }
  const Place* const place = std::prev(after)->second;
  return address - place->start < place->bytes ? place : nullptr;
}

void ClientMemory::b_transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time&) {
  const std::uint64_t address = transaction.get_address();
  const std::uint64_t size = transaction.get_data_length();
  const Place* const place = place_at(address);
  if (place == nullptr || size > place->bytes - (address - place->start)) {
    transaction.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
    return;
  }
  if (transaction.is_write()) {
    model::copy_to_shared(window_ + address, transaction.get_data_ptr(), size);
  } else {
    model::copy_from_shared(transaction.get_data_ptr(), window_ + address, size);
  }
  transaction.set_dmi_allowed(true);
  transaction.set_response_status(tlm::TLM_OK_RESPONSE);
}

unsigned ClientMemory::transport_dbg(tlm::tlm_generic_payload& transaction) {
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  b_transport(transaction, delay);
  return transaction.is_response_ok() ? transaction.get_data_length() : 0;
}

// The IOMMU keeps a function from writing where it may only read.
bool ClientMemory::get_direct_mem_ptr(tlm::tlm_generic_payload& transaction, tlm::tlm_dmi& dmi) {
  const Place* const place = place_at(transaction.get_address());
  if (place == nullptr) {
    return false;
  }
  dmi.set_start_address(place->start);
  dmi.set_end_address(place->start + place->bytes - 1);
  dmi.set_dmi_ptr(window_ + place->start);
  dmi.set_granted_access(tlm::tlm_dmi::DMI_ACCESS_READ_WRITE);
  return true;
}

}  // namespace ringside::serve
