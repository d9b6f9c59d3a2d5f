#include "testbench/serve/server.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <list>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include "testbench/vfio_user/message.h"
#include "testbench/vfio_user/session.h"
#include "testbench/vfio_user/stream.h"

namespace ringside::serve {
namespace {

namespace asio = boost::asio;
using Protocol = asio::local::stream_protocol;
using boost::system::error_code;

constexpr std::chrono::seconds kPatience{5};  // with a client that takes nothing
// Between two looks at what else there is to do.
constexpr unsigned kMessagesAtOnce = 64;
constexpr unsigned kRequestsAtOnce = 4096;
// Clients that are told to go away and have not gone.
constexpr std::size_t kMostRefused = 16;
constexpr std::chrono::seconds kRefusal{1};

// Somebody who comes while another is served: what he asks first is answered with EBUSY.
class Refused {
 public:
  Refused(Protocol::socket socket, std::function<void(Refused*)> gone)
      : socket_(std::move(socket)), timer_(socket_.get_executor()), gone_(std::move(gone)) {
    timer_.expires_after(kRefusal);
    timer_.async_wait([this](const error_code& error) {
      if (!error) {
        leave();
      }
    });
    wait();
  }

 private:
  void wait() {
    socket_.async_wait(Protocol::socket::wait_read, [this](const error_code& error) {
      if (!error) {
        look();
      }
    });
  }
  void look() {
    try {
      if (!receive(socket_.native_handle(), reader_)) {
        wait();
        return;
      }
      const vfio_user::Header asked = reader_.take().header;
      const vfio_user::Header answer{asked.id, asked.command, 0, vfio_user::kTypeReply | vfio_user::kFlagError, EBUSY};
      send(socket_.native_handle(), answer, {}, {}, std::chrono::steady_clock::now());
    } catch (const vfio_user::StreamError&) {
      // It has gone already.
    }
    leave();
  }
  // This object is no more when it returns, and what it calls would be among what goes.
  void leave() {
    const auto gone = std::move(gone_);
    gone(this);
  }

  Protocol::socket socket_;
  asio::steady_timer timer_;
  vfio_user::MessageReader reader_;
  std::function<void(Refused*)> gone_;
};

// The one that is served.
class Client {
 public:
  Client(Protocol::socket socket, ServedDisk& disk, Attendant& attendant, const Notice& notice,
         std::function<void(const std::string&)> gone)
      : socket_(std::move(socket)),
        disk_(disk),
        attendant_(attendant),
        notice_(notice),
        gone_(std::move(gone)),
        session_(attendant.device(),
                 [this](const vfio_user::Header& header, std::span<const std::uint8_t> payload) {
                   send(socket_.native_handle(), header, payload, {}, std::chrono::steady_clock::now() + kPatience);
                 }),
        timer_(socket_.get_executor()),
        unmask_event_(socket_.get_executor()),
        unmask_events_(disk.unmask_events()) {
    wait();
  }

  // Whether it has closed its end. What it sent before that may not have been looked at.
  [[nodiscard]] bool hung_up() {
    pollfd entry{socket_.native_handle(), POLLRDHUP, 0};
    return ::poll(&entry, 1, 0) == 1;
  }

  // Nothing of this object is touched after gone_().
  void work() {
    std::string why;
    try {
      why = take_messages();
    } catch (const vfio_user::StreamError& problem) {
      why = problem.what();
    }
    if (!why.empty()) {
      const auto gone = std::exchange(gone_, nullptr);
      gone(why);
    }
  }

 private:
  // A handler for what may come after the client has gone.
  template <class Handle>
  [[nodiscard]] auto while_here(Handle handle) {
    return [alive = std::weak_ptr<bool>(alive_), handle](const error_code& error) {
      if (!error && !alive.expired()) {
        handle();
      }
    };
  }

  // For a message, and for the time that something of the function is due.
  void wait() {
    if (!std::exchange(waiting_, true)) {
      socket_.async_wait(Protocol::socket::wait_read, while_here([this] {
                           waiting_ = false;
                           work();
                         }));
    }
    if (const auto due = disk_.due()) {
      timer_.expires_at(*due);
      timer_.async_wait(while_here([this] { work(); }));
    }
    if (unmask_events_ != disk_.unmask_events()) {
      unmask_events_ = disk_.unmask_events();
      unmask_event_.close();
      if (disk_.unmask_event() >= 0) {
        unmask_event_.assign(::dup(disk_.unmask_event()));
        wait_for_unmask();
      }
    }
  }

  void wait_for_unmask() {
    unmask_event_.async_wait(asio::posix::descriptor_base::wait_read, while_here([this] {
                               disk_.take_unmask_event();
                               wait_for_unmask();
                             }));
  }

  // Why the client is to go; empty while it may stay.
  std::string take_messages() {
    bool settled = settle();
    bool more = true;
    for (unsigned i = 0; settled && more && !disk_.memory_lost() && i < kMessagesAtOnce; ++i) {
      more = receive(socket_.native_handle(), reader_);
      if (more && !session_.take(reader_.take())) {
        return session_.ended_by();
      }
      settled = settle();
    }
    if (disk_.ram_out_of_reach() && !std::exchange(told_of_ram_, true)) {
      notice_(
          "its RAM came without a file descriptor: the disk cannot reach it (QEMU: memory-backend-memfd, share=on)");
    }
    if (disk_.memory_lost()) {
      return "it took away memory that it had mapped";
    }
    if (settled && !more) {
      wait();
    } else {
      asio::post(socket_.get_executor(), [again = while_here([this] { work(); })] { again({}); });
    }
    return {};
  }

  bool settle() {
    const bool settled = disk_.settle(kRequestsAtOnce);
    attendant_.settled();
    return settled;
  }

  Protocol::socket socket_;
  ServedDisk& disk_;
  Attendant& attendant_;
  const Notice& notice_;
  std::function<void(const std::string&)> gone_;
  vfio_user::MessageReader reader_;
  vfio_user::Session session_;
  asio::steady_timer timer_;
  asio::posix::stream_descriptor unmask_event_;
  unsigned unmask_events_;  // of the disk's that have been looked at
  bool waiting_ = false;    // for a message
  bool told_of_ram_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>();
};

class Loop {
 public:
  Loop(Listener& listener, ServedDisk& disk, Attendant& attendant, const Notice& notice, const ServerOptions& options)
      : disk_(disk),
        attendant_(attendant),
        notice_(notice),
        options_(options),
        acceptor_(context_, Protocol(), ::dup(listener.fd())),
        signals_(context_, SIGINT, SIGTERM) {}

  [[nodiscard]] bool run() {
    signals_.async_wait([this](const error_code& error, int) {
      if (!error) {
        interrupted_ = true;
        context_.stop();
      }
    });
    accept();
    context_.run();
    if (client_) {
      client_.reset();
      attendant_.client_left();
    }
    return !interrupted_;
  }

 private:
  void accept() {
    acceptor_.async_accept([this](const error_code& error, Protocol::socket socket) {
      if (!error) {
        take(std::move(socket));
      }
      accept();
    });
  }

  void take(Protocol::socket socket) {
    socket.native_non_blocking(true);
    // One that went before this one came is no reason to refuse it.
    while (client_ && client_->hung_up()) {
      client_->work();
    }
    if (client_) {
      refuse(std::move(socket));
      return;
    }
    notice_("a client is there");
    attendant_.client_came();
    client_.emplace(std::move(socket), disk_, attendant_, notice_, [this](const std::string& why) { end_client(why); });
  }

  void refuse(Protocol::socket socket) {
    notice_("another client came, and was refused: one at a time");
    if (refused_.size() < kMostRefused) {
      refused_.emplace_back(std::move(socket), [this](Refused* which) {
        refused_.remove_if([which](const Refused& refused) { return &refused == which; });
      });
    }
  }

  void end_client(const std::string& why) {
    client_.reset();
    notice_("the client has left: " + why);
    attendant_.client_left();
    if (options_.once) {
      context_.stop();
    }
  }

  ServedDisk& disk_;
  Attendant& attendant_;
  const Notice& notice_;
  const ServerOptions& options_;
  asio::io_context context_{1};
  Protocol::acceptor acceptor_;
  asio::signal_set signals_;
  std::optional<Client> client_;
  std::list<Refused> refused_;
  bool interrupted_ = false;
};

}  // namespace

Server::Server(Listener& listener, ServedDisk& disk, Attendant& attendant, Notice notice)
    : listener_(listener), disk_(disk), attendant_(attendant), notice_(std::move(notice)) {}

bool Server::run(const ServerOptions& options) { return Loop(listener_, disk_, attendant_, notice_, options).run(); }

}  // namespace ringside::serve
