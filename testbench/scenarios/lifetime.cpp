// GET_LIFETIME: how worn the medium is (VIRTIO 1.2, 5.2.6); and that it is refused where the feature is missing.
#include "driver/block/virtio_blk_spec.h"
#include "driver/virtio/spec.h"
#include "testbench/scenarios/data.h"
#include "testbench/scenarios/list.h"

namespace ringside::scenarios {

void lifetime(Context& context) {
  constexpr std::uint8_t kUntouched = 0xee;
  constexpr std::uint16_t kWorstEndOfLife = 3;  // pre_eol_info: undefined, normal, warning, urgent
  constexpr std::uint16_t kWorstEstimate = 11;  // device_lifetime_est_typ_a and b: tenths used, or beyond
  block::BlockDevice* disk = context.open();
  if (disk == nullptr) {
    return;
  }
  {
    Buffer answer(context, 16);
    if (answer.valid()) {
      for (std::size_t i = 0; i < answer.size(); ++i) {
        answer.data()[i] = kUntouched;
      }
      context.check(disk->get_lifetime(answer.data()) == block::Status::ok, "it tells its lifetime");
      for (std::size_t field = 0; field < block::kLifetimeSize; field += 2) {
        const unsigned value = answer.data()[field] | unsigned{answer.data()[field + 1]} << 8;
        context.observe("lifetime field", value);
        context.check(value <= (field == 0 ? kWorstEndOfLife : kWorstEstimate), "the field has a meaning");
      }
      context.check(answer.data()[block::kLifetimeSize] == kUntouched, "it writes no more than the structure");
    }
  }
  disk->shutdown();

  block::Options options;
  options.features &= ~virtio::feature(block::VIRTIO_BLK_F_LIFETIME);
  disk = context.open(options);
  if (disk == nullptr) {
    return;
  }
  {
    Buffer answer(context, 16);
    context.check(answer.valid() && disk->get_lifetime(answer.data()) == block::Status::unsupported,
                  "without the feature it is not asked");
  }
  disk->shutdown();
}

}  // namespace ringside::scenarios
