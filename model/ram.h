// Main memory, with DMI. Pages appear when they are touched, and a power cycle gives them back: it costs what was used.
#pragma once

#include <tlm_utils/simple_target_socket.h>

#include <cstdint>
#include <systemc>
#include <tlm>

namespace ringside::model {

class Ram final : public sc_core::sc_module {
 public:
  tlm_utils::simple_target_socket<Ram> socket;

  Ram(const sc_core::sc_module_name& name, std::uint64_t bytes);
  ~Ram() override;

  [[nodiscard]] std::uint8_t* data() { return memory_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  // All zeroes again. Without DMI, every access is a transaction; time is the same.
  void power_on(bool dmi);

 private:
  void b_transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay);
  unsigned transport_dbg(tlm::tlm_generic_payload& transaction);
  bool get_direct_mem_ptr(tlm::tlm_generic_payload& transaction, tlm::tlm_dmi& dmi);

  std::uint64_t bytes_;
  std::uint8_t* memory_;
  bool dmi_ = false;  // nobody has a pointer before the first power-on
};

}  // namespace ringside::model
