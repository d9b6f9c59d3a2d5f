#include "model/interrupt_controller.h"

#include <cstring>

namespace ringside::model {

InterruptController::InterruptController(const sc_core::sc_module_name& name) : sc_module(name), msi("msi") {
  msi.register_b_transport(this, &InterruptController::b_transport);
}

void InterruptController::power_on() {
  msi_ = {};
  lines_ = {};
}

void InterruptController::tell_sink() {
  if (sink_ != nullptr) {
    sink_->interrupt_delivered();
  }
}

void InterruptController::b_transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time&) {
  if (!transaction.is_write() || transaction.get_data_length() != sizeof(std::uint32_t)) {
    transaction.set_response_status(tlm::TLM_BURST_ERROR_RESPONSE);
    return;
  }
  std::uint32_t data = 0;
  std::memcpy(&data, transaction.get_data_ptr(), sizeof data);
  // A message with a vector that nobody gave out is lost, as in a local APIC with that vector unused.
  if (data < kMsiVectors) {
    ++msi_[data];
    tell_sink();
  }
  transaction.set_response_status(tlm::TLM_OK_RESPONSE);
}

void InterruptController::deliver(Line& line) {
  if (line.high && !line.masked) {
    line.masked = true;
    ++line.count;
    tell_sink();
  }
}

void InterruptController::set_line(unsigned line, bool high) {
  if (line < kLines) {
    lines_[line].high = high;
    deliver(lines_[line]);
  }
}

void InterruptController::acknowledge(unsigned line) {
  if (line < kLines) {
    lines_[line].masked = false;
    deliver(lines_[line]);
  }
}

}  // namespace ringside::model
