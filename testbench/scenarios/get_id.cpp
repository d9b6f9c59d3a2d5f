#include "testbench/scenarios/data.h"
#include "testbench/scenarios/list.h"

namespace ringside::scenarios {

void get_id(Context& context) {
  block::BlockDevice* const disk = context.open();
  if (disk == nullptr) {
    return;
  }
  {
    Buffer id(context, block::kIdSize, 8);
    if (id.valid()) {
      fill(id.data(), id.size(), 1);
      context.check(disk->get_id(id.data()) == block::Status::ok, "the device tells its ID");
      for (std::size_t i = 0; i < block::kIdSize; ++i) {
        context.observe("ID character", *id.data(i));
      }
    }
  }
  disk->shutdown();
}

}  // namespace ringside::scenarios
