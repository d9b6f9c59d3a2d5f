#include "testbench/targets/qemu_line_channel.h"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>

namespace ringside::targets {
namespace asio = boost::asio;

LineChannel::LineChannel(asio::io_context& context, int fd)
    : context_(context), socket_(context, asio::local::stream_protocol(), fd) {
  socket_.non_blocking(true);
}

void LineChannel::send(std::string_view text, TimePoint deadline) {
  while (!text.empty()) {
    boost::system::error_code error;
    const std::size_t sent = socket_.write_some(asio::buffer(text.data(), text.size()), error);
    if (error == asio::error::would_block) {
      wait(Socket::wait_write, deadline);
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
      wait(Socket::wait_read, deadline);
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
  const std::size_t size = socket_.read_some(asio::buffer(piece), error);
  if (error == asio::error::would_block) {
    return false;
  }
  if (error) {
    throw ChannelClosed();
  }
  buffer_.append(piece.data(), size);
  return true;
}

void LineChannel::wait(Socket::wait_type what, TimePoint deadline) {
  bool done = false;
  socket_.async_wait(what, [&done](const boost::system::error_code&) { done = true; });
  context_.restart();
  while (!done && context_.run_one_until(deadline) != 0) {
  }
  if (done) {
    return;
  }
  socket_.cancel();
  while (!done) {
    context_.run_one();
  }
  throw ChannelTimeout();
}

}  // namespace ringside::targets
