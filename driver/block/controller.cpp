#include "driver/block/controller.h"

#include <utility>

#include "driver/block/disk_config.h"
#include "driver/block/virtio_blk_spec.h"
#include "driver/hal/bits.h"
#include "driver/hal/mutant.h"
#include "driver/hal/text.h"
#include "driver/pci/registers.h"
#include "driver/virtio/spec.h"

namespace ringside::block {
namespace {

using virtio::feature;

// What this driver understands; an unknown bit alone is never a reason to give up (VIRTIO 1.2, 2.2.1).
constexpr std::uint64_t kUnderstood =
    feature(VIRTIO_BLK_F_SIZE_MAX) | feature(VIRTIO_BLK_F_SEG_MAX) | feature(VIRTIO_BLK_F_GEOMETRY) |
    feature(VIRTIO_BLK_F_RO) | feature(VIRTIO_BLK_F_BLK_SIZE) | feature(VIRTIO_BLK_F_FLUSH) |
    feature(VIRTIO_BLK_F_TOPOLOGY) | feature(VIRTIO_BLK_F_CONFIG_WCE) | feature(VIRTIO_BLK_F_DISCARD) |
    feature(VIRTIO_BLK_F_WRITE_ZEROES) | feature(VIRTIO_BLK_F_MQ) | feature(VIRTIO_BLK_F_LIFETIME) |
    feature(VIRTIO_BLK_F_SECURE_ERASE) | feature(virtio::VIRTIO_F_INDIRECT_DESC) | feature(virtio::VIRTIO_F_EVENT_IDX) |
    feature(virtio::VIRTIO_F_VERSION_1) | feature(virtio::VIRTIO_F_RING_PACKED) | feature(virtio::VIRTIO_F_IN_ORDER) |
    feature(virtio::VIRTIO_F_NOTIFICATION_DATA) | feature(virtio::VIRTIO_F_NOTIF_CONFIG_DATA) |
    feature(virtio::VIRTIO_F_RING_RESET) |
    // The device's addresses are those that the platform hands out for it: we use no other ones, only those of
    // alloc_dma_buffer and map.
    feature(virtio::VIRTIO_F_ACCESS_PLATFORM) |
    // The device is ordered as the platform's devices are: the fences of hal::Memory are the processor's own.
    feature(virtio::VIRTIO_F_ORDER_PLATFORM);

constexpr std::uint16_t kSmallestQueue = 2;
constexpr std::uint16_t kConnected = pci::PCI_COMMAND_IO | pci::PCI_COMMAND_MEMORY | pci::PCI_COMMAND_MASTER;

std::uint16_t usable_queue_size(std::uint16_t wanted, std::uint16_t maximum) {
  return wanted == 0 || wanted > maximum ? maximum : wanted;
}

}  // namespace

bool Controller::fail(const char* why) {
  hal::Line().text("[VirtIO] Block device cannot be used: ").text(why).log_to(*machine_);
  return false;
}

bool Controller::init(const pci::Bus& bus, const pci::DeviceInfo& device, const Options& options) {
  bus_ = &bus;
  address_ = device.address;
  options_ = options;

  bars_ = device.bars;
  if (device.problem != nullptr) {
    return fail(device.problem);
  }
  hal::Line().text("[VirtIO]   BAR0=").hex(bars_[0].address, 8).log_to(*machine_);
  const unsigned forgotten = hal::mutant(hal::Mutant::bus_master_forgotten) ? pci::PCI_COMMAND_MASTER : 0u;
  pci::enable_device(bus.config(), address_, static_cast<std::uint16_t>(kConnected & ~forgotten));

  const char* problem = choose_transport();
  if (problem == nullptr) {
    problem = interrupts_.init(*machine_, bus, device, bars_, *transport_, options);
  }
  if (problem != nullptr) {
    let_go();
    return fail(problem);
  }
  return true;
}

void Controller::let_go() const {
  if (!hal::mutant(hal::Mutant::left_decoding_at_refusal)) {
    pci::enable_device(bus_->config(), address_, 0, kConnected);
  }
}

// A transitional device has both interfaces; the modern one is preferred (VIRTIO 1.2, 4.1.2.1). Null on success.
const char* Controller::choose_transport() {
  using Access = virtio::ModernTransport::Access;
  const char* missing = nullptr;
  if (options_.transport != TransportChoice::legacy) {
    const bool window = options_.transport == TransportChoice::pci_cfg_window;
    missing = modern_.init(bus_->config(), address_, bars_, window ? Access::config_window : Access::mapped);
    transport_ = &modern_;
    if (missing == nullptr || options_.transport != TransportChoice::automatic) {
      return missing;
    }
  }
  transport_ = &legacy_;
  const char* const no_legacy = legacy_.init(bars_);
  return no_legacy != nullptr && missing != nullptr ? missing : no_legacy;
}

bool Controller::negotiate() {
  if (!hal::mutant(hal::Mutant::reset_forgotten) && !transport_->reset()) {
    return fail("it does not reset");
  }
  const bool again = std::exchange(reset_before_, true);
  const bool forgotten = hal::mutant(hal::Mutant::acknowledge_forgotten) ||
                         (again && hal::mutant(hal::Mutant::acknowledge_forgotten_in_recovery));
  if ((!forgotten && !transport_->add_status(virtio::VIRTIO_CONFIG_S_ACKNOWLEDGE)) ||
      !transport_->add_status(virtio::VIRTIO_CONFIG_S_DRIVER)) {
    return fail("it is not there any more");
  }

  info_ = DiskInfo{};
  const char* problem = agree_on_features();
  if (problem == nullptr && !read_configuration()) {
    problem = "its configuration makes no sense";
  }
  if (problem == nullptr) {
    problem = choose_queues();
  }
  if (problem != nullptr) {
    transport_->add_status(virtio::VIRTIO_CONFIG_S_FAILED);
    return fail(problem);
  }
  return true;
}

const char* Controller::agree_on_features() {
  info_.offered = transport_->offered_features();
  // A legacy device that takes any layout has to be told that it may meet one (6.3).
  const std::uint64_t known = kUnderstood | (transport_->is_legacy() ? feature(virtio::VIRTIO_F_ANY_LAYOUT) : 0);
  const std::uint64_t understood = hal::mutant(hal::Mutant::every_feature_accepted) ? ~std::uint64_t{0} : known;
  info_.features = info_.offered & understood & options_.features;
  if (!has(virtio::VIRTIO_F_VERSION_1) && !transport_->is_legacy()) {
    return "it offers no VIRTIO_F_VERSION_1";
  }
  return transport_->accept_features(info_.features) ? nullptr : "it refuses the features";
}

bool Controller::has(unsigned feature_bit) const { return (info_.features & feature(feature_bit)) != 0; }

bool Controller::read_configuration() {
  const pci::RegisterWindow& config = transport_->device_config();
  if (config.length() < kConfigCapacity + 8) {
    return false;
  }
  DiskInfo read;
  const bool consistent =
      virtio::read_consistently(*transport_, [&] { read = read_disk_info(config, info_.features); });
  if (!consistent) {
    return false;  // and the next look reads it again
  }
  generation_ = transport_->config_generation();
  if (!hal::is_power_of_two(read.block_size) || read.block_size < kSectorSize || read.max_segment_size == 0) {
    return false;
  }
  read.max_segments = read.max_segments < segment_limit_ ? read.max_segments : segment_limit_;
  read.features = info_.features;
  read.offered = info_.offered;
  read.queue_size = info_.queue_size;  // a live queue keeps its size, and there are as many as before
  read.queues = info_.queues;
  info_ = read;
  return true;
}

const char* Controller::choose_queues() {
  // 5.2.5: without the feature there is one.
  const std::uint16_t offered = has(VIRTIO_BLK_F_MQ) ? read_queue_count(transport_->device_config()) : std::uint16_t{1};
  if (offered == 0) {
    return "it has no queue";  // and info() never says so: users divide by that number
  }
  const std::uint16_t wanted = options_.queues == 0 ? std::uint16_t{1} : options_.queues;
  info_.queues = wanted < offered ? wanted : offered;
  info_.queues = info_.queues < kMaxQueues ? info_.queues : kMaxQueues;
  for (std::uint16_t queue = 0; queue < info_.queues; ++queue) {
    if (const char* const problem = choose_size(queue); problem != nullptr) {
      return problem;
    }
  }
  info_.queue_size = sizes_[0].chosen;
  return nullptr;
}

// Read once: what is checked is what is used, and what memory is laid out for.
const char* Controller::choose_size(std::uint16_t queue) {
  const std::uint16_t maximum = transport_->max_queue_size(queue);
  // 4.1.5.1.3: a legacy queue has the size that the device gave it.
  const std::uint16_t size = transport_->is_legacy() ? maximum : usable_queue_size(options_.queue_size, maximum);
  const bool usable = size >= kSmallestQueue && size <= virtio::kMaxQueueSize &&
                      (hal::is_power_of_two(size) || has(virtio::VIRTIO_F_RING_PACKED));
  if (!usable && !hal::mutant(hal::Mutant::queue_size_unchecked)) {
    return "its queue has no usable size";
  }
  if (size <= kHeaderAndStatus && !has(virtio::VIRTIO_F_INDIRECT_DESC)) {
    return "its queue is too small for a request without indirect descriptors";
  }
  const std::uint16_t most = maximum < virtio::kMaxQueueSize ? maximum : virtio::kMaxQueueSize;
  sizes_[queue] = {size, has(virtio::VIRTIO_F_RING_RESET) ? most : size};
  return nullptr;
}

void Controller::limit_segments(std::uint16_t most) {
  segment_limit_ = most;
  info_.max_segments = info_.max_segments < most ? info_.max_segments : most;
}

ConfigLook Controller::refresh_configuration() {
  const bool changed = transport_->config_generation() != generation_;
  if (!changed || hal::mutant(hal::Mutant::configuration_not_read_again)) {
    return ConfigLook::same;
  }
  return read_configuration() ? ConfigLook::changed : ConfigLook::unreadable;
}

bool Controller::write_cache() const {
  if (has(VIRTIO_BLK_F_CONFIG_WCE)) {
    return transport_->device_config().read8(kConfigWriteback) != 0;
  }
  return has(VIRTIO_BLK_F_FLUSH);  // 5.2.5.1: FLUSH without CONFIG_WCE means write-back
}

bool Controller::set_write_cache(bool write_back) {
  wanted_cache_ = write_back ? WriteCache::write_back : WriteCache::write_through;
  transport_->device_config().write8(kConfigWriteback, write_back ? 1 : 0);
  return write_cache() == write_back;
}

// A reset gives the device its own choice back. Who asked for write-through counts on it when a write completes.
bool Controller::restore_write_cache() {
  if (wanted_cache_ == WriteCache::as_it_comes || hal::mutant(hal::Mutant::write_cache_not_restored)) {
    return true;
  }
  const bool write_back = wanted_cache_ == WriteCache::write_back;
  const bool restored = has(VIRTIO_BLK_F_CONFIG_WCE) ? set_write_cache(write_back) : write_cache() == write_back;
  return restored || write_back || fail("its write cache cannot be switched off again");
}

bool Controller::start_configuration() {
  return interrupts_.config_entry() == virtio::VIRTIO_MSI_NO_VECTOR ||
         hal::mutant(hal::Mutant::config_vector_forgotten) ||
         transport_->set_config_vector(interrupts_.config_entry()) || fail("the configuration vector was refused");
}

bool Controller::find_doorbell(std::uint16_t queue, virtio::Doorbell& doorbell) {
  return transport_->doorbell(queue, doorbell, info_.features) ||
         fail("its doorbell lies outside the notification structure");
}

bool Controller::start_queue(std::uint16_t queue, std::uint16_t size, const virtio::QueueAddresses& addresses) {
  if (const char* const problem = transport_->set_up_queue(queue, size, addresses, interrupts_.queue_entry(queue));
      problem != nullptr) {
    return fail(problem);
  }
  info_.queue_size = queue == 0 ? size : info_.queue_size;
  return true;
}

bool Controller::go() {
  if (hal::mutant(hal::Mutant::queues_before_features_ok)) {
    transport_->add_status(virtio::VIRTIO_CONFIG_S_FEATURES_OK);
  }
  return hal::mutant(hal::Mutant::driver_ok_forgotten) || transport_->add_status(virtio::VIRTIO_CONFIG_S_DRIVER_OK) ||
         fail("it is not there any more");
}

Stopped Controller::stop() {
  if (hal::mutant(hal::Mutant::recovered_without_reset)) {
    return Stopped::obeyed;
  }
  // Registers that read as all-ones are not there, or not mapped: there is nobody to reset.
  if (transport_->status() != virtio::kStatusRemoved && transport_->reset()) {
    return Stopped::obeyed;
  }
  if (!hal::mutant(hal::Mutant::bus_master_left_on)) {
    pci::enable_device(bus_->config(), address_, 0, pci::PCI_COMMAND_MASTER);
  }
  // The answer to this read does not overtake what the function has written before (PCI Express 2.4.1): once it is
  // here, so is all of that.
  const std::uint16_t command = bus_->config().read16(address_, pci::PCI_COMMAND);
  const bool silent = command == pci::kNoCommand || (command & pci::PCI_COMMAND_MASTER) == 0;
  return silent ? Stopped::silenced : Stopped::running;
}

Controller::Presence Controller::look_after() const {
  const std::uint16_t command = bus_->config().read16(address_, pci::PCI_COMMAND);
  if (command == pci::kNoCommand) {
    return Presence::gone;
  }
  std::uint16_t needed = pci::PCI_COMMAND_MASTER;
  bool in_place = true;
  for (const pci::Bar* bar = bars_; bar != bars_ + pci::kBarCount; ++bar) {
    if (bar->kind != pci::BarKind::none) {
      needed |= bar->kind == pci::BarKind::io ? pci::PCI_COMMAND_IO : pci::PCI_COMMAND_MEMORY;
    }
  }
  if ((command & needed) == needed || hal::mutant(hal::Mutant::cut_off_overlooked)) {
    return Presence::there;
  }
  for (unsigned i = 0; i < pci::kBarCount && in_place; ++i) {
    in_place = bars_[i].kind == pci::BarKind::none || pci::holds_bar(bus_->config(), address_, i, bars_[i]);
  }
  if (!in_place) {
    return Presence::there;  // what it would decode are not its addresses
  }
  pci::enable_device(bus_->config(), address_, needed);
  return Presence::cut_off;
}

}  // namespace ringside::block
