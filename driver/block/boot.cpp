#include "driver/block/boot.h"

#include "driver/block/ata.h"
#include "driver/block/simulated.h"
#include "driver/hal/text.h"

namespace ringside::block {
namespace {

using eclipsefs::NodeType;
using eclipsefs::Result;

const char* name_of(NodeType type) {
  return type == NodeType::file ? "file" : type == NodeType::directory ? "directory" : "link";
}

// A name from the disk may hold anything; a log is for reading.
void append_printable(hal::Line& line, const char* name) {
  for (; *name != '\0'; ++name) {
    const char c[] = {*name >= ' ' && *name <= '~' ? *name : '?', '\0'};
    line.text(c);
  }
}

struct Listing {
  hal::Machine& machine;
  std::uint32_t entries = 0;
  std::uint32_t first_file = 0;  // inode; 0: none yet
};

void log_entry(const eclipsefs::DirectoryEntry& entry, void* user) {
  Listing& listing = *static_cast<Listing*>(user);
  ++listing.entries;
  if (listing.first_file == 0 && entry.node.type == NodeType::file) {
    listing.first_file = entry.node.inode;
  }
  hal::Line line;
  line.text("[FS]   ").text(name_of(entry.node.type)).text(" ").dec(entry.node.content_bytes).text(" ");
  append_printable(line, entry.name);
  line.log_to(listing.machine);
}

Result read_to_end(eclipsefs::FileSystem& files, std::uint32_t inode, std::uint64_t& bytes) {
  eclipsefs::Node node;
  Result result = files.node(inode, node);
  std::uint8_t piece[256];
  std::uint32_t count = sizeof piece;
  for (bytes = 0; result == Result::ok && count == sizeof piece; bytes += count) {
    result = files.read(node, bytes, piece, sizeof piece, count);
  }
  return result == Result::ok && bytes != node.size ? Result::bad_record : result;
}

Result check_mounted(hal::Machine& machine, eclipsefs::FileSystem& files) {
  eclipsefs::Node root;
  Listing listing{machine};
  if (const Result result = files.node(eclipsefs::kRootInode, root); result != Result::ok) {
    return result;
  }
  if (const Result result = files.list(root, log_entry, &listing); result != Result::ok) {
    return result;
  }
  std::uint64_t bytes = 0;
  if (listing.first_file != 0) {
    if (const Result result = read_to_end(files, listing.first_file, bytes); result != Result::ok) {
      return result;
    }
  }
  hal::Line line;
  line.text("[FS] ").dec(files.inodes()).text(" inode(s), ").dec(listing.entries).text(" in the root; read a file of ");
  line.dec(bytes).text(" bytes").log_to(machine);
  return Result::ok;
}

}  // namespace

Result check_file_system(hal::Machine& machine, BlockDevice& disk) {
  hal::Line().text("[FS] Checking the file system...").log_to(machine);
  eclipsefs::FileSystem files;
  Result result = files.mount(machine, disk);
  if (result == Result::ok) {
    result = check_mounted(machine, files);
    files.unmount();
  }
  if (result != Result::ok) {
    hal::Line().text("[FS] Not usable: ").text(to_string(result)).log_to(machine);
  }
  return result;
}

Boot boot(hal::Machine& machine, const OpenVirtio& open_virtio) {
  Boot boot;
  boot.disk = open_virtio.open(open_virtio.user);
  boot.source = BootSource::virtio;
  if (boot.disk == nullptr) {
    boot.disk = AtaDisk::open(machine);
    boot.source = BootSource::ata;
  }
  if (boot.disk == nullptr) {
    boot.disk = SimulatedDisk::open(machine);
    boot.source = BootSource::simulated;
  }
  if (boot.disk == nullptr) {
    boot.source = BootSource::none;
    return boot;
  }
  boot.file_system = check_file_system(machine, *boot.disk);
  return boot;
}

}  // namespace ringside::block
