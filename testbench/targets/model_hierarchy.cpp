#include "testbench/targets/model_hierarchy.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <set>
#include <systemc>
#include <tlm>
#include <utility>
#include <vector>

namespace ringside::targets {
namespace {

using sc_core::sc_object;
using BackwardPort = sc_core::sc_port_b<tlm::tlm_bw_transport_if<>>;

// Sockets have the name of their module and one word more.
std::string module_of(const std::string& socket) { return socket.substr(0, socket.rfind('.')); }

class Picture {
 public:
  std::string draw() {
    for (sc_object* const top : sc_core::sc_get_top_level_objects()) {
      add_module(top, 1);
    }
    return "digraph model {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\", fontsize=11];\n" + modules_ +
           edges() + "}\n";
  }

 private:
  static bool has_modules(const sc_object* module) {
    for (const sc_object* const child : module->get_child_objects()) {
      if (dynamic_cast<const sc_core::sc_module*>(child) != nullptr) {
        return true;
      }
    }
    return false;
  }

  void add_module(sc_object* object, unsigned depth) {
    if (dynamic_cast<sc_core::sc_module*>(object) == nullptr) {
      return;
    }
    const std::string indent(2 * depth, ' ');
    const bool cluster = has_modules(object);
    if (cluster) {
      modules_ += fmt::format("{}subgraph \"cluster_{}\" {{\n{}  label=\"{}\";\n", indent, object->name(), indent,
                              object->basename());
    }
    if (!cluster || depth > 1) {
      modules_ += fmt::format("{}  \"{}\" [label=\"{}\"];\n", indent, object->name(), object->basename());
    }
    for (sc_object* const child : object->get_child_objects()) {
      add_socket(child);
      add_module(child, depth + 1);
    }
    if (cluster) {
      modules_ += indent + "}\n";
    }
  }

  // The way back from target to initiators is the one that a target with several initiators can be asked for: the
  // target has a port for it, and each initiator an export.
  void add_socket(sc_object* object) {
    if (auto* const target = dynamic_cast<BackwardPort*>(object); target != nullptr) {
      targets_.push_back(target);
    } else if (auto* const initiator = dynamic_cast<sc_core::sc_export_base*>(object); initiator != nullptr) {
      initiators_.emplace(initiator->get_interface(), object->name());
    }
  }

  // "cpu_io" of "board.bridge.cpu_io_port_0"
  static std::string socket_name(const std::string& port) {
    const std::string word = port.substr(port.rfind('.') + 1);
    return word.substr(0, word.find("_port_"));
  }

  std::string edges() const {
    std::map<std::pair<std::string, std::string>, std::set<std::string>> sockets;
    for (BackwardPort* const target : targets_) {
      for (int i = 0; i < target->size(); ++i) {
        const auto initiator = initiators_.find((*target)[i]);
        if (initiator != initiators_.end()) {
          sockets[{module_of(initiator->second), module_of(target->name())}].insert(socket_name(target->name()));
        }
      }
    }
    std::string text;
    for (const auto& [ends, names] : sockets) {
      text += fmt::format("  \"{}\" -> \"{}\" [label=\"{}\", fontsize=9];\n", ends.first, ends.second,
                          fmt::join(names, ", "));
    }
    return text;
  }

  std::string modules_;
  std::vector<BackwardPort*> targets_;
  std::map<const sc_core::sc_interface*, std::string> initiators_;
};

}  // namespace

std::string elaborated_hierarchy() { return Picture().draw(); }

}  // namespace ringside::targets
