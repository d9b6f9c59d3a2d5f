// Lines of text over a socket, with a deadline on everything: what qtest and QMP have in common.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace boost::asio {
class io_context;
}

namespace ringside::targets {

using TimePoint = std::chrono::steady_clock::time_point;

struct ChannelError : std::runtime_error {
  using std::runtime_error::runtime_error;
};
// The other end has gone.
struct ChannelClosed : ChannelError {
  ChannelClosed() : ChannelError("closed the connection") {}
};
// The deadline passed.
struct ChannelTimeout : ChannelError {
  ChannelTimeout() : ChannelError("does not answer") {}
};
// A line longer than any that these protocols have.
struct ChannelFlooded : ChannelError {
  ChannelFlooded() : ChannelError("sent a line that does not end") {}
};

class LineChannel {
 public:
  static constexpr std::size_t kLongestLine = 64u << 10;

  // Takes `fd`, a connected stream socket.
  LineChannel(boost::asio::io_context& context, int fd);
  ~LineChannel();
  LineChannel(LineChannel&& other) noexcept;
  LineChannel& operator=(LineChannel&&) = delete;

  // All of these throw ChannelError.
  void send(std::string_view text, TimePoint deadline);
  // The next line, without its end. Valid until the next call.
  [[nodiscard]] std::string_view read_line(TimePoint deadline);
  // The same, if it has come already.
  [[nodiscard]] std::optional<std::string_view> poll_line();

 private:
  // The library's headers are slow to compile: only the implementation has them.
  struct Socket;

  [[nodiscard]] std::optional<std::string_view> take_line();
  // Adds what has come to the buffer; false when nothing has.
  bool receive();

  std::unique_ptr<Socket> socket_;
  std::string buffer_;
  std::size_t taken_ = 0;  // bytes of the buffer that earlier lines used up
};

}  // namespace ringside::targets
