// The server's side of one connection: what a client may ask, in which order, and what it is answered. Whatever comes,
// it ends in a reply or in the end of the session.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "testbench/vfio_user/device.h"
#include "testbench/vfio_user/message.h"

namespace ringside::vfio_user {

class Session {
 public:
  // `send` is how a reply goes out; it may throw, and take() with it.
  using Send = std::function<void(const Header& header, std::span<const std::uint8_t> payload)>;

  Session(Device& device, Send send) : device_(device), send_(std::move(send)) {}
  // The client's memory and eventfds are let go; the device stays as it is.
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // False when the connection is to be closed; ended_by() says why.
  [[nodiscard]] bool take(Message message);
  [[nodiscard]] const char* ended_by() const { return ended_by_; }

 private:
  struct Answer {
    int error = 0;
    Bytes payload;
  };
  [[nodiscard]] bool begin(const Message& message);
  [[nodiscard]] Answer answer(Message& message);
  [[nodiscard]] Answer dma_map(Message& message);
  [[nodiscard]] Answer dma_unmap(const Message& message);
  [[nodiscard]] Answer region_info(const Message& message) const;
  [[nodiscard]] Answer irq_info(const Message& message) const;
  [[nodiscard]] Answer set_irqs(Message& message);
  [[nodiscard]] Answer region_read(const Message& message);
  void region_write(const Message& message);
  [[nodiscard]] bool lies_in_region(const RegionAccess& access) const;
  void reply(const Header& command, const Answer& answer);

  Device& device_;
  Send send_;
  bool begun_ = false;
  const char* ended_by_ = "";
};

}  // namespace ringside::vfio_user
