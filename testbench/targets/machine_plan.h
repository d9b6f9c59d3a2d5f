// The machine of one run: what the scenario asks for, with what the command line says merged over it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "testbench/scenarios/context.h"
#include "testbench/targets/device_properties.h"
#include "testbench/targets/target.h"

namespace ringside::targets {

enum class Board : std::uint8_t { pc, q35 };

struct DiskPlan {
  DeviceProperties given;           // by scenario and command line
  model::BlkProperties properties;  // all of them, defaults included
  std::string image;                // path; empty: a generated disk
};

struct MachinePlan {
  std::string type;  // "pc-q35-7.2"
  Board board = Board::pc;
  std::vector<DiskPlan> disks;  // 1 .. scenarios::kMostDisks
  std::uint64_t generated_bytes = 0;
  // Whether a bridge has to be there, and how many root ports.
  [[nodiscard]] bool has_bridge() const;
  [[nodiscard]] unsigned root_ports() const;
};

// Where the board's optional parts sit: device numbers on the root bus. Root port N is function N.
inline constexpr std::uint8_t kRootPortDevice = 2;
inline constexpr std::uint8_t kBridgeDevice = 5;

// What GET_ID answers where nothing else is said.
[[nodiscard]] std::string serial_of(unsigned unit);

inline constexpr char kPcType[] = "pc-i440fx-7.2";
inline constexpr char kQ35Type[] = "pc-q35-7.2";

// `pc` and `q35` as types; anything else as it is.
[[nodiscard]] std::string machine_type(const std::string& machine);
// The settings with a machine: the command line's, or the one that the scenario wants, or pc.
[[nodiscard]] RunSettings settings_for(const scenarios::Scenario& scenario, RunSettings settings);

// Throws InputError when the settings make no machine by themselves.
[[nodiscard]] MachinePlan plan_machine(const RunSettings& settings);
// Indices of the plan's disks, in the order in which a scan of the buses meets them: the root bus, then what lies
// behind bridges. The n-th one is unit n of the log. A disk that is no PCI function is not among them.
[[nodiscard]] std::vector<unsigned> discovery_order(const MachinePlan& plan);

// With the scenario's own wishes under the settings. When the two contradict each other, or the scenario is for another
// machine, `gap` says so, in place of an exception.
struct ScenarioPlan {
  MachinePlan machine;
  unsigned asks = 0;      // as in scenarios::Setup
  bool firmware = false;  // likewise
  std::string gap;
};
// Of targets whose CPU runs nothing: empty unless the scenario needs firmware to have run before it.
[[nodiscard]] std::string firmware_gap(const ScenarioPlan& plan);
[[nodiscard]] ScenarioPlan plan_scenario(const scenarios::Scenario& scenario, const RunSettings& settings);

}  // namespace ringside::targets
