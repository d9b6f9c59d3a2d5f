#include "testbench/targets/qemu_line_channel.h"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>

namespace ringside::targets {
namespace asio = boost::asio;

struct LineChannel::Socket {
  using Stream = asio::local::stream_protocol::socket;

  Socket(asio::io_context& events, int fd) : context(events), stream(events, asio::local::stream_protocol(), fd) {
    stream.non_blocking(true);
  }
  // Throws ChannelTimeout.
  void wait(Stream::wait_type what, TimePoint deadline);

  asio::io_context& context;
  Stream stream;
};

LineChannel::LineChannel(asio::io_context& context, int fd) : socket_(std::make_unique<Socket>(context, fd)) {}
LineChannel::~LineChannel() = default;
LineChannel::LineChannel(LineChannel&& other) noexcept = default;

void LineChannel::send(std::string_view text, TimePoint deadline) {
  while (!text.empty()) {
    boost::system::error_code error;
    const std::size_t sent = socket_->stream.write_some(asio::buffer(text.data(), text.size()), error);
    if (error == asio::error::would_block) {
      socket_->wait(Socket::Stream::wait_write, deadline);
    } else if (error) {
      throw ChannelClosed();
    }
    text.remove_prefix(sent);
  }
}

std::string_view LineChannel::read_line(TimePoint deadline) {
  for (;;) {
    if (const auto line = take_line()) {
      return *line;
    }
    if (!receive()) {
      socket_->wait(Socket::Stream::wait_read, deadline);
    }
  }
}

std::optional<std::string_view> LineChannel::poll_line() {
  if (const auto line = take_line()) {
    return line;
  }
  receive();
  return take_line();
}

std::optional<std::string_view> LineChannel::take_line() {
  const std::size_t end = buffer_.find('\n', taken_);
  if (end == std::string::npos) {
    if (buffer_.size() - taken_ > kLongestLine) {
      throw ChannelFlooded();
    }
    return std::nullopt;
  }
  std::string_view line(buffer_.data() + taken_, end - taken_);
  taken_ = end + 1;
  if (line.ends_with('\r')) {  // QMP ends its lines so
    line.remove_suffix(1);
  }
  return line;
}

bool LineChannel::receive() {
  buffer_.erase(0, taken_);
  taken_ = 0;
  std::array<char, 4096> piece;
  boost::system::error_code error;
  const std::size_t size = socket_->stream.read_some(asio::buffer(piece), error);
  if (error == asio::error::would_block) {
    return false;
  }
  if (error) {
    throw ChannelClosed();
  }
  buffer_.append(piece.data(), size);
  return true;
}

void LineChannel::Socket::wait(Stream::wait_type what, TimePoint deadline) {
  bool done = false;
  stream.async_wait(what, [&done](const boost::system::error_code&) { done = true; });
  context.restart();
  while (!done && context.run_one_until(deadline) != 0) {
  }
  if (done) {
    return;
  }
  stream.cancel();
  while (!done) {
    context.run_one();
  }
  throw ChannelTimeout();
}

}  // namespace ringside::targets
