#include "testbench/scenarios/program_table.h"

#include "driver/block/open.h"
#include "driver/block/virtio_blk_spec.h"
#include "driver/virtio/spec.h"
#include "testbench/scenarios/context.h"

namespace ringside::scenarios {
namespace {

using namespace block;   // the specification's names
using namespace virtio;  // likewise

constexpr std::uint64_t kAny64 = ~std::uint64_t{0};
constexpr std::uint64_t kMost32 = 0xffff'ffff;
constexpr std::uint64_t kMost16 = 0xffff;
constexpr std::uint64_t kMostSectors = 2048;     // of one request's data: 1 MiB
constexpr std::uint64_t kMostBuffer = 1u << 20;  // bytes
constexpr std::uint64_t kMostTimeoutMs = 10'000;
constexpr std::uint64_t kMostDelayNs = 1'000'000'000;
constexpr std::uint64_t kMostDisk = kMostDisks - 1;

template <class Enum>
constexpr std::uint64_t num(Enum value) {
  return static_cast<std::uint64_t>(value);
}

template <std::size_t kCount>
constexpr Words words(const Word (&list)[kCount]) {
  return {list, kCount};
}

constexpr Word kCompletions[] = {
    {"msix", num(Completion::msix)}, {"intx", num(Completion::intx)}, {"polled", num(Completion::polled)}};
constexpr Word kTransports[] = {{"automatic", num(TransportChoice::automatic)},
                                {"modern", num(TransportChoice::modern)},
                                {"legacy", num(TransportChoice::legacy)},
                                {"pci_cfg_window", num(TransportChoice::pci_cfg_window)}};
constexpr Word kConfigs[] = {
    {"automatic", num(ConfigAccess::automatic)}, {"cam", num(ConfigAccess::cam)}, {"ecam", num(ConfigAccess::ecam)}};
constexpr Word kVectors[] = {{"per_queue", num(VectorUse::per_queue)}, {"shared", num(VectorUse::shared)}};
constexpr Word kUpDown[] = {{"up", num(Expected::yes)}, {"down", num(Expected::no)}, {"any", num(Expected::any)}};
constexpr Word kAccepted[] = {
    {"accepted", num(Expected::yes)}, {"refused", num(Expected::no)}, {"any", num(Expected::any)}};
constexpr Word kStatuses[] = {{"ok", num(Status::ok)},
                              {"io_error", num(Status::io_error)},
                              {"unsupported", num(Status::unsupported)},
                              {"refused", num(Status::refused)},
                              {"timed_out", num(Status::timed_out)},
                              {"device_lost", num(Status::device_lost)},
                              {"any", kAnyStatus}};
constexpr Word kAsks[] = {{"disk_sectors", num(Ask::disk_sectors)},
                          {"resize", num(Ask::resize)},
                          {"hold", num(Ask::hold)},
                          {"release", num(Ask::release)},
                          {"media_error", num(Ask::media_error)},
                          {"unplug", num(Ask::unplug)},
                          {"plug", num(Ask::plug)}};
constexpr Word kFeatures[] = {{"SIZE_MAX", VIRTIO_BLK_F_SIZE_MAX},
                              {"SEG_MAX", VIRTIO_BLK_F_SEG_MAX},
                              {"GEOMETRY", VIRTIO_BLK_F_GEOMETRY},
                              {"RO", VIRTIO_BLK_F_RO},
                              {"BLK_SIZE", VIRTIO_BLK_F_BLK_SIZE},
                              {"FLUSH", VIRTIO_BLK_F_FLUSH},
                              {"TOPOLOGY", VIRTIO_BLK_F_TOPOLOGY},
                              {"CONFIG_WCE", VIRTIO_BLK_F_CONFIG_WCE},
                              {"MQ", VIRTIO_BLK_F_MQ},
                              {"DISCARD", VIRTIO_BLK_F_DISCARD},
                              {"WRITE_ZEROES", VIRTIO_BLK_F_WRITE_ZEROES},
                              {"LIFETIME", VIRTIO_BLK_F_LIFETIME},
                              {"SECURE_ERASE", VIRTIO_BLK_F_SECURE_ERASE},
                              {"INDIRECT_DESC", VIRTIO_F_INDIRECT_DESC},
                              {"EVENT_IDX", VIRTIO_F_EVENT_IDX},
                              {"VERSION_1", VIRTIO_F_VERSION_1},
                              {"ACCESS_PLATFORM", VIRTIO_F_ACCESS_PLATFORM},
                              {"RING_PACKED", VIRTIO_F_RING_PACKED},
                              {"IN_ORDER", VIRTIO_F_IN_ORDER},
                              {"ORDER_PLATFORM", VIRTIO_F_ORDER_PLATFORM},
                              {"NOTIFICATION_DATA", VIRTIO_F_NOTIFICATION_DATA},
                              {"NOTIF_CONFIG_DATA", VIRTIO_F_NOTIF_CONFIG_DATA},
                              {"RING_RESET", VIRTIO_F_RING_RESET}};
constexpr Word kAccesses[] = {{"mapped", 0}, {"window", 1}, {"legacy", 2}};
constexpr Word kStructures[] = {{"common", VIRTIO_PCI_CAP_COMMON_CFG},
                                {"notify", VIRTIO_PCI_CAP_NOTIFY_CFG},
                                {"isr", VIRTIO_PCI_CAP_ISR_CFG},
                                {"device", VIRTIO_PCI_CAP_DEVICE_CFG},
                                {"legacy", kLegacyStructure}};
// As bit numbers.
constexpr Word kStatusBits[] = {{"ACKNOWLEDGE", 0}, {"DRIVER", 1},      {"DRIVER_OK", 2},
                                {"FEATURES_OK", 3}, {"NEEDS_RESET", 6}, {"FAILED", 7}};
constexpr Word kDescFlags[] = {{"NEXT", 0}, {"WRITE", 1}, {"INDIRECT", 2}, {"AVAIL", 7}, {"USED", 15}};
constexpr Word kRings[] = {{"split", 0}, {"packed", 1}};
constexpr Word kTypes[] = {{"IN", VIRTIO_BLK_T_IN},
                           {"OUT", VIRTIO_BLK_T_OUT},
                           {"SCSI_CMD", 2},  // of the legacy interface only
                           {"FLUSH", VIRTIO_BLK_T_FLUSH},
                           {"GET_ID", VIRTIO_BLK_T_GET_ID},
                           {"GET_LIFETIME", VIRTIO_BLK_T_GET_LIFETIME},
                           {"DISCARD", VIRTIO_BLK_T_DISCARD},
                           {"WRITE_ZEROES", VIRTIO_BLK_T_WRITE_ZEROES},
                           {"SECURE_ERASE", VIRTIO_BLK_T_SECURE_ERASE}};
constexpr Word kUntil[] = {
    {"used", num(Awaited::used)}, {"needs_reset", num(Awaited::needs_reset)}, {"any", kAnyAwaited}};
constexpr Word kLooks[] = {{"always", num(Look::always)}, {"used", num(Look::used)}};
constexpr Word kAwaited[] = {{"used", num(Awaited::used)},
                             {"needs_reset", num(Awaited::needs_reset)},
                             {"nothing", num(Awaited::nothing)},
                             {"any", kAnyAwaited}};

constexpr auto kCommon = VIRTIO_PCI_CAP_COMMON_CFG;
constexpr auto kDevice = VIRTIO_PCI_CAP_DEVICE_CFG;
constexpr NamedRegister kRegisters[] = {{"common.device_feature_select", kCommon, VIRTIO_PCI_COMMON_DFSELECT, 4},
                                        {"common.device_feature", kCommon, VIRTIO_PCI_COMMON_DF, 4},
                                        {"common.driver_feature_select", kCommon, VIRTIO_PCI_COMMON_GFSELECT, 4},
                                        {"common.driver_feature", kCommon, VIRTIO_PCI_COMMON_GF, 4},
                                        {"common.config_msix_vector", kCommon, VIRTIO_PCI_COMMON_MSIX, 2},
                                        {"common.num_queues", kCommon, VIRTIO_PCI_COMMON_NUMQ, 2},
                                        {"common.device_status", kCommon, VIRTIO_PCI_COMMON_STATUS, 1},
                                        {"common.config_generation", kCommon, VIRTIO_PCI_COMMON_CFGGENERATION, 1},
                                        {"common.queue_select", kCommon, VIRTIO_PCI_COMMON_Q_SELECT, 2},
                                        {"common.queue_size", kCommon, VIRTIO_PCI_COMMON_Q_SIZE, 2},
                                        {"common.queue_msix_vector", kCommon, VIRTIO_PCI_COMMON_Q_MSIX, 2},
                                        {"common.queue_enable", kCommon, VIRTIO_PCI_COMMON_Q_ENABLE, 2},
                                        {"common.queue_notify_off", kCommon, VIRTIO_PCI_COMMON_Q_NOFF, 2},
                                        {"common.queue_desc", kCommon, VIRTIO_PCI_COMMON_Q_DESCLO, 8},
                                        {"common.queue_driver", kCommon, VIRTIO_PCI_COMMON_Q_AVAILLO, 8},
                                        {"common.queue_device", kCommon, VIRTIO_PCI_COMMON_Q_USEDLO, 8},
                                        {"common.queue_notif_config_data", kCommon, VIRTIO_PCI_COMMON_Q_NDATA, 2},
                                        {"common.queue_reset", kCommon, VIRTIO_PCI_COMMON_Q_RESET, 2},
                                        {"isr.status", VIRTIO_PCI_CAP_ISR_CFG, 0, 1},
                                        {"device.capacity", kDevice, kConfigCapacity, 8},
                                        {"device.size_max", kDevice, kConfigSizeMax, 4},
                                        {"device.seg_max", kDevice, kConfigSegMax, 4},
                                        {"device.geometry", kDevice, kConfigGeometry, 4},
                                        {"device.blk_size", kDevice, kConfigBlkSize, 4},
                                        {"device.opt_io_size", kDevice, kConfigOptIoSize, 4},
                                        {"device.writeback", kDevice, kConfigWriteback, 1},
                                        {"device.num_queues", kDevice, kConfigNumQueues, 2},
                                        {"device.max_discard_sectors", kDevice, kConfigMaxDiscardSectors, 4},
                                        {"device.max_write_zeroes_sectors", kDevice, kConfigMaxWriteZeroesSectors, 4},
                                        {"device.max_secure_erase_sectors", kDevice, kConfigMaxSecureEraseSectors, 4},
                                        {"legacy.device_features", kLegacyStructure, VIRTIO_PCI_HOST_FEATURES, 4},
                                        {"legacy.driver_features", kLegacyStructure, VIRTIO_PCI_GUEST_FEATURES, 4},
                                        {"legacy.queue_address", kLegacyStructure, VIRTIO_PCI_QUEUE_PFN, 4},
                                        {"legacy.queue_size", kLegacyStructure, VIRTIO_PCI_QUEUE_NUM, 2},
                                        {"legacy.queue_select", kLegacyStructure, VIRTIO_PCI_QUEUE_SEL, 2},
                                        {"legacy.queue_notify", kLegacyStructure, VIRTIO_PCI_QUEUE_NOTIFY, 2},
                                        {"legacy.device_status", kLegacyStructure, VIRTIO_PCI_STATUS, 1},
                                        {"legacy.isr_status", kLegacyStructure, VIRTIO_PCI_ISR, 1}};
constexpr std::size_t kRegisterCount = sizeof(kRegisters) / sizeof(kRegisters[0]);

// The names of kRegisters as words whose values are their places there.
struct RegisterNames {
  Word words[kRegisterCount] = {};
  constexpr RegisterNames() {
    for (std::size_t i = 0; i < kRegisterCount; ++i) {
      words[i] = {kRegisters[i].name, i};
    }
  }
};
constexpr RegisterNames kRegisterNames;

constexpr Param number(const char* name, unsigned slot, std::uint64_t most, std::uint64_t otherwise = 0) {
  return {name, ParamKind::number, slot, most, otherwise};
}
constexpr Param required(Param param) {
  param.required = true;
  return param;
}
constexpr Param boolean(const char* name, unsigned slot, bool otherwise = false) {
  return {name, ParamKind::boolean, slot, 1, otherwise ? 1u : 0u};
}
template <std::size_t kCount>
constexpr Param choice(const char* name, unsigned slot, const Word (&list)[kCount], std::uint64_t otherwise,
                       std::uint64_t most = 0) {
  return {name, ParamKind::choice, slot, most, otherwise, false, words(list)};
}
template <std::size_t kCount>
constexpr Param bits(const char* name, unsigned slot, const Word (&list)[kCount], std::uint64_t most,
                     std::uint64_t otherwise = 0) {
  return {name, ParamKind::bits, slot, most, otherwise, false, words(list)};
}
constexpr Param address(const char* name, unsigned slot) { return {name, ParamKind::address, slot, kAny64, 0}; }

// --- Through the driver

constexpr Param kDiskOnly[] = {number("disk", DiskArgs::disk, kMostDisk)};
constexpr Param kOpen[] = {number("disk", OpenArgs::disk, kMostDisk),
                           choice("completion", OpenArgs::completion, kCompletions, num(Completion::msix)),
                           choice("transport", OpenArgs::transport, kTransports, num(TransportChoice::automatic)),
                           choice("config", OpenArgs::config, kConfigs, num(ConfigAccess::cam)),
                           number("queues", OpenArgs::queues, kMaxQueues, 1),
                           choice("vectors", OpenArgs::vectors, kVectors, num(VectorUse::per_queue)),
                           number("queue_size", OpenArgs::queue_size, kMaxQueueSize),
                           bits("without", OpenArgs::without, kFeatures, kAny64),
                           number("timeout_ms", OpenArgs::timeout_ms, kMostTimeoutMs, 5000),
                           boolean("check_requests", OpenArgs::check_requests, true),
                           number("data_alignment", OpenArgs::data_alignment, 4096, 1),
                           choice("expect", OpenArgs::expect, kUpDown, num(Expected::yes))};

constexpr Param kDisk = number("disk", RequestArgs::disk, kMostDisk);
constexpr Param kSector = required(number("sector", RequestArgs::sector, kAny64));
constexpr Param kSectors = number("sectors", RequestArgs::sectors, kMostSectors, 1);
constexpr Param kBytes = number("bytes", RequestArgs::bytes, kMostBuffer);
constexpr Param kRangeSectors = number("sectors", RequestArgs::sectors, kMost32, 1);
constexpr Param kQueueOf = number("queue", RequestArgs::queue, kMaxQueues - 1);
constexpr Param kSegments = number("segments", RequestArgs::segments, 64, 1);
constexpr Param kShift = number("shift", RequestArgs::shift, 4095);
constexpr Param kExpect = choice("expect", RequestArgs::expect, kStatuses, num(Status::ok));
constexpr Param kBatch = boolean("batch", RequestArgs::batch);
constexpr Param kRead[] = {kDisk,
                           kSector,
                           kSectors,
                           kBytes,
                           kQueueOf,
                           kSegments,
                           kShift,
                           number("expect_fill", RequestArgs::expect_fill, kAny64),
                           boolean("expect_zero", RequestArgs::expect_zero),
                           kExpect,
                           kBatch};
constexpr Param kWrite[] = {kDisk,    kSector,   kSectors, kBytes,
                            kQueueOf, kSegments, kShift,   number("fill", RequestArgs::fill, kAny64, 1),
                            kExpect,  kBatch};
constexpr Param kPlain[] = {kDisk, kQueueOf, kExpect, kBatch};
constexpr Param kRangeOf[] = {kDisk, kSector, kRangeSectors, kQueueOf, kExpect, kBatch};
constexpr Param kZeroes[] = {kDisk,    kSector, kRangeSectors, boolean("unmap", RequestArgs::unmap),
                             kQueueOf, kExpect, kBatch};
constexpr Param kWait[] = {number("disk", DiskArgs::disk, kMostDisk), number("count", DiskArgs::count, 256, 1),
                           number("queue", DiskArgs::queue, kMaxQueues - 1)};
constexpr Param kWriteCache[] = {number("disk", SettingArgs::disk, kMostDisk),
                                 required(boolean("on", SettingArgs::value)),
                                 choice("expect", SettingArgs::expect, kStatuses, num(Status::ok))};
constexpr Param kQueueReset[] = {number("disk", SettingArgs::disk, kMostDisk),
                                 number("size", SettingArgs::value, kMost16),
                                 choice("expect", SettingArgs::expect, kStatuses, num(Status::ok))};

// --- Of the bench

constexpr Param kAsk[] = {required(choice("what", AskArgs::what, kAsks, 0)),
                          number("argument", AskArgs::argument, kAny64)};
constexpr Param kDelay[] = {required(number("ns", DelayArgs::ns, kMostDelayNs))};

// --- Raw

constexpr Param kFind[] = {number("disk", FindArgs::disk, kMostDisk), choice("access", FindArgs::access, kAccesses, 0),
                           boolean("bus_master", FindArgs::bus_master, true),
                           choice("config", FindArgs::config, kConfigs, num(ConfigAccess::cam))};
constexpr Param kFunction = number("function", RegisterArgs::function, kMost16);
constexpr Param kConfigOffset = required(number("offset", RegisterArgs::offset, 4095));
constexpr Param kConfigWidth = number("width", RegisterArgs::width, 4, 4);
constexpr Param kExpectValue = number("expect", RegisterArgs::expect, kAny64);
constexpr Param kMask = number("mask", RegisterArgs::mask, kAny64, kAny64);
constexpr Param kConfigRead[] = {kFunction, kConfigOffset, kConfigWidth, kExpectValue, kMask};
constexpr Param kConfigWrite[] = {kFunction, kConfigOffset, kConfigWidth,
                                  required(number("value", RegisterArgs::value, kMost32))};
constexpr Param kKnown = {
    "register", ParamKind::choice, RegisterArgs::known, 0, kNoRegister, false, {kRegisterNames.words, kRegisterCount}};
constexpr Param kStructure = choice("structure", RegisterArgs::structure, kStructures, kCommon);
constexpr Param kRegisterOffset = number("offset", RegisterArgs::offset, kMost32);
constexpr Param kRegisterWidth = number("width", RegisterArgs::width, 8, 4);
constexpr Param kRegisterRead[] = {kKnown, kStructure, kRegisterOffset, kRegisterWidth, kExpectValue, kMask};
constexpr Param kRegisterWrite[] = {kKnown,
                                    kStructure,
                                    kRegisterOffset,
                                    kRegisterWidth,
                                    number("value", RegisterArgs::value, kAny64),
                                    address("address", RegisterArgs::value)};
constexpr Param kStatus[] = {required(bits("value", StatusArgs::value, kStatusBits, 0xff))};
constexpr Param kNegotiate[] = {
    bits("features", NegotiateArgs::features, kFeatures, kAny64, feature(VIRTIO_F_VERSION_1)),
    choice("expect", NegotiateArgs::expect, kAccepted, num(Expected::yes))};
constexpr Param kRawQueue = number("queue", QueueArgs::queue, kMaxQueues - 1);
constexpr Param kQueue[] = {kRawQueue, number("size", QueueArgs::size, kMaxQueueSize, 8),
                            choice("ring", QueueArgs::ring, kRings, 0), boolean("enable", QueueArgs::enable, true),
                            number("vector", QueueArgs::vector, kMost16, VIRTIO_MSI_NO_VECTOR)};

constexpr Param kBufferNumber = required(number("buffer", BufferArgs::buffer, kMostBuffers - 1));
constexpr Param kOffset = number("offset", BufferArgs::offset, kMostBuffer);
constexpr Param kLength = required(number("length", BufferArgs::length, kMostBuffer));
constexpr Param kFillKey = number("fill", BufferArgs::fill, kAny64);
constexpr Param kFillSector = number("sector", BufferArgs::sector, kAny64);
constexpr Param kByte = number("byte", BufferArgs::byte, 0xff);
constexpr Param kWidth = number("width", BufferArgs::width, 8, 1);
constexpr Param kBuffer[] = {kBufferNumber, required(number("size", BufferArgs::length, kMostBuffer)),
                             number("align", BufferArgs::align, 65536, 512), kFillKey, kByte};
constexpr Param kFill[] = {kBufferNumber, kOffset, kLength, kFillKey, kFillSector, kByte};
constexpr Param kPut[] = {kBufferNumber, kOffset, kWidth, number("value", BufferArgs::value, kAny64),
                          address("address", BufferArgs::value)};
constexpr Param kWhen = choice("when", BufferArgs::when, kLooks, num(Look::always));
constexpr Param kPeek[] = {kBufferNumber, kOffset, kWidth, number("expect", BufferArgs::expect, kAny64), kWhen};
constexpr Param kHash[] = {kBufferNumber, kOffset, kLength, kWhen};
constexpr Param kHeader[] = {
    required(number("buffer", HeaderArgs::buffer, kMostBuffers - 1)), number("offset", HeaderArgs::offset, kMostBuffer),
    required(choice("type", HeaderArgs::type, kTypes, 0, kMost32)), number("ioprio", HeaderArgs::ioprio, kMost32),
    number("sector", HeaderArgs::sector, kAny64)};
constexpr Param kRange[] = {required(number("buffer", RangeArgs::buffer, kMostBuffers - 1)),
                            number("offset", RangeArgs::offset, kMostBuffer),
                            number("sector", RangeArgs::sector, kAny64), number("sectors", RangeArgs::sectors, kMost32),
                            number("flags", RangeArgs::flags, kMost32)};
constexpr Param kDesc[] = {number("queue", DescArgs::queue, kMaxQueues - 1),
                           number("table", DescArgs::table, kMostBuffers - 1),
                           number("offset", DescArgs::offset, kMostBuffer),
                           number("index", DescArgs::index, kMost16),
                           address("address", DescArgs::address),
                           number("length", DescArgs::length, kMost32),
                           bits("flags", DescArgs::flags, kDescFlags, kMost16),
                           number("next", DescArgs::next, kMost16),
                           number("id", DescArgs::id, kMost16)};
constexpr Param kRingQueue = number("queue", RingArgs::queue, kMaxQueues - 1);
constexpr Param kAvail[] = {kRingQueue, number("slot", RingArgs::slot, kMost16),
                            required(number("head", RingArgs::head, kMost16))};
constexpr Param kAvailIndex[] = {kRingQueue, number("value", RingArgs::value, kMost16),
                                 number("add", RingArgs::add, kMost16)};
constexpr Param kPublish[] = {kRingQueue, number("head", RingArgs::head, kMost16)};
constexpr Param kSuppress[] = {kRingQueue, number("flags", RingArgs::flags, kMost16),
                               number("event", RingArgs::event, kMost16)};
constexpr Param kNotify[] = {kRingQueue, number("value", RingArgs::value, kMost32),
                             number("width", RingArgs::width, 4, 2), number("offset", RingArgs::offset, kMost32)};
constexpr Param kAwait[] = {number("queue", AwaitArgs::queue, kMaxQueues - 1),
                            number("count", AwaitArgs::count, kMost16, 1),
                            choice("until", AwaitArgs::until, kUntil, kAnyAwaited),
                            number("timeout_us", AwaitArgs::timeout_us, kMostTimeoutMs * 1000, 200'000),
                            choice("expect", AwaitArgs::expect, kAwaited, kAnyAwaited)};
constexpr Param kUsed[] = {number("queue", UsedArgs::queue, kMaxQueues - 1), number("slot", UsedArgs::slot, kMost16),
                           number("id", UsedArgs::id, kMost32), number("length", UsedArgs::length, kMost32)};

template <std::size_t kCount>
constexpr OpRow row(Op op, const char* name, const Param (&params)[kCount]) {
  return {op, name, params, kCount};
}

constexpr OpRow kOps[] = {row(Op::open, "open", kOpen),
                          row(Op::shutdown, "shutdown", kDiskOnly),
                          row(Op::read, "read", kRead),
                          row(Op::write, "write", kWrite),
                          row(Op::flush, "flush", kPlain),
                          row(Op::get_id, "get_id", kPlain),
                          row(Op::get_lifetime, "get_lifetime", kPlain),
                          row(Op::discard, "discard", kRangeOf),
                          row(Op::write_zeroes, "write_zeroes", kZeroes),
                          row(Op::secure_erase, "secure_erase", kRangeOf),
                          row(Op::submit, "submit", kDiskOnly),
                          row(Op::wait, "wait", kWait),
                          row(Op::poll, "poll", kDiskOnly),
                          row(Op::finish, "finish", kDiskOnly),
                          row(Op::set_write_cache, "set_write_cache", kWriteCache),
                          row(Op::reset_queue, "reset_queue", kQueueReset),
                          row(Op::info, "info", kDiskOnly),
                          row(Op::counters, "counters", kDiskOnly),
                          row(Op::ask, "ask", kAsk),
                          row(Op::delay, "delay", kDelay),
                          row(Op::find, "find", kFind),
                          row(Op::config_read, "config_read", kConfigRead),
                          row(Op::config_write, "config_write", kConfigWrite),
                          row(Op::register_read, "register_read", kRegisterRead),
                          row(Op::register_write, "register_write", kRegisterWrite),
                          {Op::reset, "reset", nullptr, 0},
                          row(Op::status, "status", kStatus),
                          row(Op::negotiate, "negotiate", kNegotiate),
                          row(Op::queue, "queue", kQueue),
                          row(Op::buffer, "buffer", kBuffer),
                          row(Op::fill, "fill", kFill),
                          row(Op::put, "put", kPut),
                          row(Op::header, "header", kHeader),
                          row(Op::range, "range", kRange),
                          row(Op::desc, "desc", kDesc),
                          row(Op::avail, "avail", kAvail),
                          row(Op::avail_index, "avail_index", kAvailIndex),
                          row(Op::publish, "publish", kPublish),
                          row(Op::suppress, "suppress", kSuppress),
                          row(Op::notify, "notify", kNotify),
                          row(Op::await, "await", kAwait),
                          row(Op::used, "used", kUsed),
                          row(Op::peek, "peek", kPeek),
                          row(Op::hash, "hash", kHash),
                          row(Op::check_fill, "check_fill", kFill)};

bool is_word(const Words& words, std::uint64_t value) {
  for (const Word& word : words) {
    if (word.value == value) {
      return true;
    }
  }
  return false;
}

bool within(const Param& param, std::uint64_t value) {
  switch (param.kind) {
    case ParamKind::choice:
      return value == param.otherwise || is_word(param.words, value) || (param.most != 0 && value <= param.most);
    case ParamKind::address:
      return true;  // what it counts from is looked up when it is used
    default:
      return value <= param.most;
  }
}

}  // namespace

OpRows all_ops() { return {kOps, sizeof(kOps) / sizeof(kOps[0])}; }

const OpRow* row_of(Op op) {
  for (const OpRow& candidate : kOps) {
    if (candidate.op == op) {
      return &candidate;
    }
  }
  return nullptr;
}

Step step_of(Op op) {
  Step step;
  step.op = op;
  if (const OpRow* const row = row_of(op); row != nullptr) {
    for (const Param& param : *row) {
      step.args[param.slot] = param.otherwise;
    }
  }
  return step;
}

bool makes_sense(const Step& step) {
  const OpRow* const row = row_of(step.op);
  if (row == nullptr) {
    return false;
  }
  for (const Param& param : *row) {
    if (!within(param, step.args[param.slot])) {
      return false;
    }
  }
  return true;
}

const NamedRegister* register_at(std::uint64_t index) { return index < kRegisterCount ? &kRegisters[index] : nullptr; }

}  // namespace ringside::scenarios
