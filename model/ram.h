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
  // What is used in run after run is cleared where it is: pages that go back to the kernel have to be made anew, one
  // fault each. From `first` on the largest of such ranges counts, up to kMostKept bytes. Between the last power-on and
  // the next one nothing is written at `end` or behind it but by transactions, so that no more has to be cleared.
  void keep(std::uint64_t first, std::uint64_t end);
  // Behind the last byte that a transaction has written since power-on.
  [[nodiscard]] std::uint64_t transactions_end() const { return transactions_end_; }
  // All zeroes again. Without DMI, every access is a transaction; time is the same.
  void power_on(bool dmi);

 private:
  void b_transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay);
  unsigned transport_dbg(tlm::tlm_generic_payload& transaction);
  bool get_direct_mem_ptr(tlm::tlm_generic_payload& transaction, tlm::tlm_dmi& dmi);

  static constexpr std::uint64_t kMostKept = 4u << 20;

  void give_back(std::uint64_t first, std::uint64_t end);

  std::uint64_t bytes_;
  std::uint8_t* memory_;
  std::uint64_t kept_first_ = 0;
  std::uint64_t kept_end_ = 0;
  std::uint64_t written_end_;           // nobody wrote from here on; all of it unless keep() says less
  std::uint64_t transactions_end_ = 0;  // behind what transactions wrote
  bool dmi_ = false;                    // nobody has a pointer before the first power-on
};

}  // namespace ringside::model
