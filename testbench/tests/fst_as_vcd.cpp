#include "testbench/tests/fst_as_vcd.h"

#include <stdexcept>

#ifdef RINGSIDE_FST
#include <fstapi.h>

#include <cstdio>
#include <memory>

namespace ringside::trace {
namespace {

struct CloseReader {
  void operator()(void* reader) const { fstReaderClose(reader); }
};
struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

}  // namespace

void fst_as_vcd(const std::string& fst, const std::string& vcd) {
  const std::unique_ptr<void, CloseReader> reader(fstReaderOpen(fst.c_str()));
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(vcd.c_str(), "we"));
  if (reader == nullptr || file == nullptr || fstReaderProcessHier(reader.get(), file.get()) == 0) {
    throw std::runtime_error(fst + ": no FST file");
  }
  fstReaderSetFacProcessMaskAll(reader.get());
  if (fstReaderIterBlocks(reader.get(), nullptr, nullptr, file.get()) == 0) {
    throw std::runtime_error(fst + ": its blocks cannot be read");
  }
}

}  // namespace ringside::trace

#else

namespace ringside::trace {

void fst_as_vcd(const std::string& fst, const std::string&) {
  throw std::runtime_error(fst + ": this build has no reader for FST");
}

}  // namespace ringside::trace

#endif
