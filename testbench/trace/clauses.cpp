#include "testbench/trace/clauses.h"

#include "testbench/trace/virtio_layout.h"

namespace ringside::trace {
namespace {

std::string of_config(const Record& record) {
  if (record.offset == PCI_VENDOR_ID) {
    return "pcidisc-dev-01";
  }
  return record.offset == PCI_DEVICE_ID ? "pcidisc-dev-02" : "pci-dev-01";
}

std::string of_common(const Record& record) {
  switch (record.offset) {
    case VIRTIO_PCI_COMMON_DFSELECT:
    case VIRTIO_PCI_COMMON_DF:
      return "pcicommon-dev-03";
    case VIRTIO_PCI_COMMON_GFSELECT:
    case VIRTIO_PCI_COMMON_GF:
      return "pcicommon-dev-04";
    case VIRTIO_PCI_COMMON_MSIX:
    case VIRTIO_PCI_COMMON_Q_MSIX:
      return "pcimsix-dev-06";
    case VIRTIO_PCI_COMMON_CFGGENERATION:
      return "pcicommon-dev-06";
    case VIRTIO_PCI_COMMON_Q_SIZE:
      return "pcicommon-dev-15";
    case VIRTIO_PCI_COMMON_Q_ENABLE:
      return "pcicommon-dev-08";
    case VIRTIO_PCI_COMMON_Q_NOFF:
      return "pcinotify-dev-06";
    case VIRTIO_PCI_COMMON_Q_RESET:
      return "pcicommon-dev-13";
    default:
      return "";
  }
}

std::string of_legacy(const Record& record) {
  if (record.offset == VIRTIO_MSI_CONFIG_VECTOR || record.offset == VIRTIO_MSI_QUEUE_VECTOR) {
    return "pcimsix-dev-06";
  }
  return record.offset == VIRTIO_PCI_QUEUE_PFN ? "legvq-dev-01" : "legpcilayout-dev-01";
}

std::string of_register(const Record& record) {
  switch (static_cast<Structure>(record.region)) {
    case Structure::common:
      return of_common(record);
    case Structure::device:
      return "devcfg-dev-01";
    case Structure::isr:
      return "pciisr-dev-05";
    case Structure::legacy:
      return of_legacy(record);
    default:
      return "";
  }
}

std::string of_status(const Record& record) {
  if (record.value == 0) {
    return "reset-dev-01";
  }
  if ((record.value & VIRTIO_CONFIG_S_NEEDS_RESET) != 0) {
    return "status-dev-02";
  }
  return "features-dev-03";
}

std::string of_completion(const Record& record, std::string_view field) {
  if (field == "payload") {
    return "used-dev-02";
  }
  switch (record.flags) {
    case VIRTIO_BLK_T_DISCARD:
    case VIRTIO_BLK_T_WRITE_ZEROES:
    case VIRTIO_BLK_T_SECURE_ERASE:
      return "blkop-dev-05";
    case VIRTIO_BLK_T_OUT:
    case VIRTIO_BLK_T_FLUSH:
      return "blkop-dev-13";
    default:
      return "used-dev-02";  // the status is part of what is stored before the used index moves
  }
}

}  // namespace

std::string clause_of(const Record& record, std::string_view field) {
  switch (record.kind) {
    case Kind::config_read:
      return of_config(record);
    case Kind::register_read:
      return of_register(record);
    case Kind::device_status:
      return record.flags == 1 ? of_status(record) : "";
    case Kind::features:
      return record.flags == 0 ? "pcicommon-dev-03" : "";
    case Kind::completion:
      return of_completion(record, field);
    case Kind::disk_hash:
      return "blkop-dev-13";
    case Kind::wait_timeout:
      return "usedsup-dev-05";
    default:
      return "";
  }
}

}  // namespace ringside::trace
