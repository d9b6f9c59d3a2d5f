#include "testbench/targets/guest_symbols.h"

#include <cxxabi.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>

#include <cstdlib>
#include <string_view>
#include <system_error>

namespace ringside::targets {
namespace {

std::string demangled(const char* name) {
  if (name == nullptr) {
    return "?";
  }
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(abi::__cxa_demangle(name, nullptr, nullptr, &status), std::free);
  return text ? text.get() : name;
}

std::string from_root(const char* file) {
  constexpr std::string_view kRoot = RINGSIDE_SOURCE_DIR "/";
  std::string_view path = file == nullptr ? "" : file;
  if (path.starts_with(kRoot)) {
    path.remove_prefix(kRoot.size());
  }
  return std::string(path);
}

std::string function_of(Dwarf_Die* die) {
  Dwarf_Attribute attribute;
  const char* mangled = dwarf_formstring(dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute));
  return demangled(mangled != nullptr ? mangled : dwarf_diename(die));
}

int number_of(Dwarf_Die* die, unsigned name) {
  Dwarf_Attribute attribute;
  Dwarf_Word value = 0;
  return dwarf_formudata(dwarf_attr(die, name, &attribute), &value) == 0 ? static_cast<int>(value) : 0;
}

// Where the code of an inlined function was called.
void move_to_call(Dwarf_Die* unit, Dwarf_Die* inlined, SourcePlace& place) {
  Dwarf_Files* files = nullptr;
  std::size_t count = 0;
  const auto file = static_cast<std::size_t>(number_of(inlined, DW_AT_call_file));
  if (dwarf_getsrcfiles(unit, &files, &count) == 0 && file < count) {
    place.file = from_root(dwarf_filesrc(files, file, nullptr, nullptr));
  }
  place.line = number_of(inlined, DW_AT_call_line);
}

}  // namespace

struct GuestSymbols::Session {
  Dwfl_Callbacks callbacks{};
  Dwfl* dwfl = nullptr;
  Dwfl_Module* module = nullptr;
};

GuestSymbols::GuestSymbols(ImageBytes elf) : session_(std::make_unique<Session>()) {
  if (elf.empty()) {
    return;
  }
  // Looks nowhere but into the image itself.
  session_->callbacks.find_elf = [](Dwfl_Module*, void**, const char*, Dwarf_Addr, char**, Elf**) { return -1; };
  session_->callbacks.find_debuginfo = [](Dwfl_Module*, void**, const char*, Dwarf_Addr, const char*, const char*,
                                          GElf_Word, char**) { return -1; };
  session_->callbacks.section_address = dwfl_offline_section_address;
  session_->dwfl = dwfl_begin(&session_->callbacks);
  try {
    Descriptor file = memory_file_of(elf, "ringside-guest-symbols");
    dwfl_report_begin(session_->dwfl);
    session_->module = dwfl_report_offline(session_->dwfl, "guest", "guest.elf", file.get());
    if (session_->module != nullptr) {
      (void)file.release();  // it is theirs now
    }
    dwfl_report_end(session_->dwfl, nullptr, nullptr);
  } catch (const std::system_error&) {
    session_->module = nullptr;  // a report without names is better than none
  }
}

GuestSymbols::~GuestSymbols() { dwfl_end(session_->dwfl); }

std::vector<SourcePlace> GuestSymbols::places_of(std::uint64_t address) const {
  std::vector<SourcePlace> places;
  const char* const symbol = session_->module == nullptr ? nullptr : dwfl_module_addrname(session_->module, address);
  if (symbol == nullptr) {
    return places;
  }
  SourcePlace place;
  if (Dwfl_Line* const line = dwfl_module_getsrc(session_->module, address)) {
    place.file = from_root(dwfl_lineinfo(line, nullptr, &place.line, nullptr, nullptr, nullptr));
  }
  Dwarf_Addr bias = 0;
  Dwarf_Die* const unit = dwfl_module_addrdie(session_->module, address, &bias);
  Dwarf_Die* scopes = nullptr;
  const int count = unit == nullptr ? 0 : dwarf_getscopes(unit, address - bias, &scopes);
  for (int i = 0; i < count; ++i) {
    if (dwarf_tag(&scopes[i]) == DW_TAG_inlined_subroutine) {
      place.function = function_of(&scopes[i]);
      places.push_back(place);
      move_to_call(unit, &scopes[i], place);
    }
  }
  std::free(scopes);
  place.function = demangled(symbol);
  places.push_back(place);
  return places;
}

}  // namespace ringside::targets
