// The memory of the client, as the served function reaches it: each map of the client's lies somewhere in one window of
// addresses, with DMI, and the IOMMU before it knows which bus addresses lead there. Maps come and go while the
// function runs.
//
// A client can take away what it gave: a file that it cuts shorter would end this process by SIGBUS. Memory that is
// lost like that becomes memory of zeroes, see lost().
#pragma once

#include <tlm_utils/simple_target_socket.h>

#include <cstdint>
#include <map>
#include <systemc>
#include <tlm>

#include "model/iommu.h"
#include "testbench/targets/descriptor.h"

namespace ringside::serve {

struct ClientRange {
  std::uint64_t bus = 0;
  std::uint64_t bytes = 0;
  bool readable = false;  // by the function
  bool writable = false;
};

class ClientMemory final : public sc_core::sc_module {
 public:
  static constexpr std::uint64_t kWindowBytes = std::uint64_t{1} << 40;
  static constexpr std::size_t kMostMaps = 65535;  // as the protocol says where nothing else is said

  tlm_utils::simple_target_socket<ClientMemory> socket;  // address = place in the window
  model::Iommu iommu;

  explicit ClientMemory(const sc_core::sc_module_name& name);
  ~ClientMemory() override;

  void power_on();
  // Without a file it is memory that exists and that the function does not reach. Errors are errno values, 0 for none.
  [[nodiscard]] int map(const ClientRange& range, const targets::Descriptor& file, std::uint64_t offset);
  [[nodiscard]] int unmap(std::uint64_t bus, std::uint64_t bytes);
  void unmap_all();

  // Where the map that begins there lies; null when it is out of reach.
  [[nodiscard]] std::uint8_t* at(std::uint64_t bus) const;

  // Whether there is nothing to reach where every machine has RAM: its first map came without a file.
  [[nodiscard]] bool ram_out_of_reach() const;
  // Whether the function met memory that had gone since it was mapped.
  [[nodiscard]] bool lost() const;

 private:
  struct Place {
    std::uint64_t bytes = 0;
    std::uint64_t start = 0;  // in the window
    bool reachable = false;
  };

  void b_transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay);
  unsigned transport_dbg(tlm::tlm_generic_payload& transaction);
  bool get_direct_mem_ptr(tlm::tlm_generic_payload& transaction, tlm::tlm_dmi& dmi);
  [[nodiscard]] bool overlaps(const ClientRange& range) const;
  [[nodiscard]] std::uint64_t room_for(std::uint64_t bytes) const;
  // The place in the window that an address lies in; null when none does.
  [[nodiscard]] const Place* place_at(std::uint64_t address) const;
  void forget(const Place& place);

  std::uint8_t* window_;
  std::map<std::uint64_t, Place> maps_;           // by bus address
  std::map<std::uint64_t, const Place*> places_;  // by start, those that are reachable
};

}  // namespace ringside::serve
