// The client's side of one connection, for a machine that has the function in it. One call, one message; it returns
// when the server has answered, but for posted writes. Whatever comes in the answer is checked. Throws StreamError.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>

#include "testbench/vfio_user/message.h"
#include "testbench/vfio_user/protocol.h"
#include "testbench/vfio_user/stream.h"

namespace ringside::vfio_user {

// Throws StreamError when nobody listens there.
[[nodiscard]] Descriptor connect_to(const std::string& path);

// The server has another client, for now.
struct ServerBusy : StreamError {
  using StreamError::StreamError;
};

class Client {
 public:
  // Takes `socket`, which is connected, and agrees on a version. `patience`: with every answer. Throws ServerBusy, too.
  Client(Descriptor socket, std::chrono::milliseconds patience);

  // For who waits for something else than an answer: throws when the server has gone.
  void require_open() const;

  // 0: there is none.
  [[nodiscard]] std::uint64_t region_bytes(std::uint32_t region);
  void read(std::uint32_t region, std::uint64_t offset, std::span<std::uint8_t> data);
  void write(std::uint32_t region, std::uint64_t offset, std::span<const std::uint8_t> data);
  // Nobody waits: it takes effect before the next message does.
  void post(std::uint32_t region, std::uint64_t offset, std::span<const std::uint8_t> data);
  void reset();

  [[nodiscard]] std::uint32_t vectors(Irq kind);
  // From the first vector on.
  void connect(Irq kind, std::span<const int> eventfds);
  void unmask(Irq kind, std::uint32_t vector);

  // `bytes` from the start of `file` at this bus address, for reading and writing.
  void map(std::uint64_t address, std::uint64_t bytes, int file);
  // What was mapped like that.
  void unmap(std::uint64_t address, std::uint64_t bytes);

 private:
  void tell(Command command, std::span<const std::uint8_t> payload, std::span<const int> descriptors,
            std::uint32_t flags);
  [[nodiscard]] Bytes ask(Command command, std::span<const std::uint8_t> payload,
                          std::span<const int> descriptors = {});
  [[nodiscard]] Message answer_to(Command command);
  void write_pieces(std::uint32_t region, std::uint64_t offset, std::span<const std::uint8_t> data, bool posted);

  Descriptor socket_;
  std::chrono::milliseconds patience_;
  std::uint32_t most_bytes_ = 0;  // of one access
  std::uint16_t next_id_ = 0;
  MessageReader reader_;
};

}  // namespace ringside::vfio_user
