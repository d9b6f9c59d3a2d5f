#include "testbench/programs/illegal_chain.h"

#include <algorithm>
#include <utility>

#include "driver/block/virtio_blk_spec.h"
#include "driver/virtio/spec.h"
#include "testbench/programs/building.h"

namespace ringside::programs {
namespace {

using scenarios::Random;
using namespace virtio;  // the specification's names

constexpr std::uint64_t kBeyondMemory = 0x1080'0000;
constexpr std::uint64_t kHeaderBytes = 16;
constexpr std::uint64_t kDescriptorBytes = 16;

bool writes_memory(std::uint32_t type) {
  return (type & 1) == 0;  // every type that a device reads data for is odd
}

Piece& any_piece(Chain& chain, Random& random) { return chain.pieces[random.below(chain.pieces.size())]; }

void link(Chain& chain) {
  for (std::size_t i = 0; i < chain.pieces.size(); ++i) {
    const bool last = i + 1 == chain.pieces.size();
    chain.pieces[i].next = last ? 0 : i + 1;
    chain.pieces[i].flags =
        (chain.pieces[i].flags & ~std::uint64_t{VIRTQ_DESC_F_NEXT}) | (last ? 0 : VIRTQ_DESC_F_NEXT);
  }
}

void make_table(Chain& chain) {
  chain.table = true;
  chain.table_bytes = kDescriptorBytes * chain.pieces.size();
  chain.table_flags = VIRTQ_DESC_F_INDIRECT;
}

// 2.8.7: an empty table makes a QEMU abort, so that no world would be left to compare with.
void spoil_table(Chain& chain, Random& random) {
  switch (random.below(4)) {
    case 0:
      chain.table_bytes -= 1 + random.below(kDescriptorBytes - 1);
      break;
    case 1:
      chain.table_bytes -= kDescriptorBytes;
      break;
    case 2:
      chain.table_flags |= VIRTQ_DESC_F_NEXT;
      break;
    default:
      chain.table_flags |= VIRTQ_DESC_F_WRITE;
      break;
  }
}

void spoil_piece(Piece& piece, Random& random) {
  switch (random.below(6)) {
    case 0:
      piece.length = 0;
      break;
    case 1:
      piece.length = 1 + random.below(kHeaderBytes + 8);
      break;
    case 2:
      piece.flags ^= VIRTQ_DESC_F_WRITE;
      break;
    case 3:
      piece.flags |= VIRTQ_DESC_F_INDIRECT;
      break;
    case 4:
      piece.base = scenarios::Base::number;
      piece.which = 0;
      piece.offset = kBeyondMemory;
      break;
    default:
      piece.length = random.next() & 0xffff'ffff;
      break;
  }
}

}  // namespace

Chain make_request(std::uint32_t type, std::uint64_t sector, std::uint64_t bytes) {
  Chain chain;
  chain.type = type;
  chain.sector = sector;
  chain.range = type == block::VIRTIO_BLK_T_DISCARD || type == block::VIRTIO_BLK_T_WRITE_ZEROES;
  chain.pieces.push_back({scenarios::Base::buffer, kHeaderBuffer, 0, kHeaderBytes, 0, 0});
  if (type != block::VIRTIO_BLK_T_FLUSH) {
    const std::uint64_t flags = writes_memory(type) ? VIRTQ_DESC_F_WRITE : 0;
    chain.pieces.push_back({scenarios::Base::buffer, kDataBuffer, 0, bytes, flags, 0});
  }
  chain.pieces.push_back({scenarios::Base::buffer, kStatusBuffer, 0, 1, VIRTQ_DESC_F_WRITE, 0});
  link(chain);
  return chain;
}

void spoil_contents(Chain& chain, Random& random) {
  Piece& piece = chain.pieces[random.below(chain.pieces.size() - 1)];
  switch (random.below(4)) {
    case 0:
      chain.range_flags = random.below(4);
      break;
    case 1:
      piece.base = scenarios::Base::number;
      piece.which = 0;
      piece.offset = kBeyondMemory;
      break;
    case 2:
      chain.pieces.front().length = 1 + random.below(kHeaderBytes + 8);
      break;
    default:
      piece.length = 1 + random.below(kBufferSizes[kHeaderBuffer]);
      break;
  }
}

void spoil(Chain& chain, Random& random, bool indirect) {
  if (once_in(random, indirect ? 2 : 6)) {
    make_table(chain);
    if (once_in(random, 3)) {
      return spoil_table(chain, random);
    }
  }
  switch (random.below(8)) {
    case 0:
      any_piece(chain, random).next = random.below(80);
      break;
    case 1:
      chain.head = chain.table ? 0 : random.below(0x10000);
      break;
    case 2:
      std::swap(any_piece(chain, random), any_piece(chain, random));
      link(chain);
      break;
    case 3:
      chain.pieces.erase(chain.pieces.begin() + static_cast<std::ptrdiff_t>(random.below(chain.pieces.size())));
      link(chain);
      chain.table_bytes = chain.table ? kDescriptorBytes * chain.pieces.size() : 0;
      break;
    case 4:
      chain.range_flags = random.below(4);
      break;
    default:
      spoil_piece(any_piece(chain, random), random);
      break;
  }
}

}  // namespace ringside::programs
