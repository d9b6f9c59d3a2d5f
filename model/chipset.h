// The configuration spaces of the i440FX chipset's functions, as pc-i440fx-7.2 shows them at power-on without firmware.
#pragma once

#include "model/config_space.h"

namespace ringside::model {

[[nodiscard]] ConfigSpace i440fx_config_space();
[[nodiscard]] ConfigSpace piix3_config_space();
[[nodiscard]] ConfigSpace piix3_ide_config_space();
[[nodiscard]] ConfigSpace piix4_pm_config_space();

// Of the Q35 chipset's, as pc-q35-7.2 shows them.
[[nodiscard]] ConfigSpace mch_config_space();
[[nodiscard]] ConfigSpace ich9_lpc_config_space();
[[nodiscard]] ConfigSpace ich9_ahci_config_space();
[[nodiscard]] ConfigSpace ich9_smbus_config_space();

}  // namespace ringside::model
