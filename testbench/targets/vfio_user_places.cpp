#include "testbench/targets/vfio_user_places.h"

#include <string>

namespace ringside::targets {
namespace {

VfioUserPlaces* elaborate() {
  auto* const places = new VfioUserPlaces{ModelSimulation::instance(), {}};
  model::Board& board = places->simulation.board;
  for (unsigned i = 0; i < places->disks.size(); ++i) {
    places->disks[i] =
        std::make_unique<VfioUserDisk>(("served" + std::to_string(i)).c_str(), board.clock, board.pin(i));
    places->disks[i]->messages.socket.bind(board.bridge.dma);
    board.stand_in(i, *places->disks[i]);
  }
  return places;
}

}  // namespace

VfioUserPlaces& VfioUserPlaces::instance() {
  static VfioUserPlaces* const places = elaborate();  // never destroyed: the kernel refers to it until exit
  return *places;
}

}  // namespace ringside::targets
