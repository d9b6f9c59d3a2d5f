// Reads the call graphs that GCC writes with -fcallgraph-info=su and prints the deepest stack that the code needs.
// Fails on recursion and on stack frames without a bound: a kernel's stack is small and has no guard that helps.
//
//   stack_depth NAME OBJECT...     NAME.cpp.o has its graph beside it in NAME.cpp.ci
//
// A call through a pointer (the hardware interface, a virtual function) ends a path here, because the graph does not
// say where it leads; how many functions make such calls is printed.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace {

constexpr char kIndirect[] = "__indirect_call";

struct Function {
  std::string name;
  std::uint64_t frame = 0;  // bytes
  bool bounded = true;
  bool indirect = false;  // calls through a pointer
  std::set<std::string> callees;
  enum class Visit : std::uint8_t { no, open, done } visit = Visit::no;
  std::uint64_t depth = 0;
  std::string deepest;  // callee
};
using Graph = std::map<std::string, Function>;

// The text between the quotes after `key`.
std::optional<std::string> field(const std::string& line, const std::string& key) {
  const std::size_t at = line.find(key + ": \"");
  if (at == std::string::npos) {
    return std::nullopt;
  }
  const std::size_t first = at + key.size() + 3;
  const std::size_t last = line.find('"', first);
  return last == std::string::npos ? std::nullopt : std::optional(line.substr(first, last - first));
}

// A label is: signature \n place \n N bytes (static|dynamic|dynamic,bounded) \n ...
void read_node(const std::string& title, const std::string& label, Graph& graph) {
  Function& function = graph[title];
  if (function.name.empty()) {
    function.name = label.substr(0, label.find("\\n"));
  }
  const std::size_t bytes = label.find(" bytes (");
  if (bytes == std::string::npos) {
    return;
  }
  const std::size_t start = label.rfind("\\n", bytes) + 2;
  function.frame = std::max<std::uint64_t>(function.frame, std::stoull(label.substr(start, bytes - start)));
  function.bounded = function.bounded && label.compare(bytes + 8, 8, "dynamic)") != 0;
}

bool read_graph(const std::string& path, Graph& graph) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const auto title = field(line, "title");
    const auto label = field(line, "label");
    const auto source = field(line, "sourcename");
    const auto target = field(line, "targetname");
    if (source && target) {
      Function& caller = graph[*source];
      caller.indirect = caller.indirect || *target == kIndirect;
      if (*target != kIndirect) {
        caller.callees.insert(*target);
      }
    } else if (title && label && line.starts_with("node:") && *title != kIndirect) {
      read_node(*title, *label, graph);
    }
  }
  return file.eof();
}

// Depth first, with a stack of its own, for this tool must not do what it forbids. False on recursion.
bool measure(Graph& graph, const std::string& root) {
  std::vector<std::string> path{root};
  while (!path.empty()) {
    const std::string title = path.back();
    Function& function = graph[title];
    function.visit = function.visit == Function::Visit::no ? Function::Visit::open : function.visit;
    const auto next = std::find_if(function.callees.begin(), function.callees.end(), [&](const std::string& callee) {
      return graph[callee].visit != Function::Visit::done;
    });
    if (next == function.callees.end()) {
      for (const std::string& callee : function.callees) {
        if (graph[callee].depth > function.depth) {
          function.depth = graph[callee].depth;
          function.deepest = callee;
        }
      }
      constexpr std::uint64_t kReturnAddress = 8;
      function.depth += function.frame + kReturnAddress;
      function.visit = Function::Visit::done;
      path.pop_back();
      continue;
    }
    if (graph[*next].visit == Function::Visit::open) {
      std::fprintf(stderr, "recursion: %s calls %s\n", function.name.c_str(), graph[*next].name.c_str());
      return false;
    }
    path.push_back(*next);
  }
  return true;
}

std::string graph_of(const std::string& object) {
  constexpr char kSuffix[] = ".o";
  return object.ends_with(kSuffix) ? object.substr(0, object.size() - 2) + ".ci" : object;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 3) {
    std::fprintf(stderr, "usage: stack_depth NAME OBJECT...\n");
    return 2;
  }
  Graph graph;
  for (int i = 2; i < count; ++i) {
    if (!read_graph(graph_of(arguments[i]), graph)) {
      std::fprintf(stderr, "%s: cannot be read; expected a call graph by -fcallgraph-info=su\n",
                   graph_of(arguments[i]).c_str());
      return 2;
    }
  }
  std::vector<std::string> titles;
  for (const auto& [title, function] : graph) {
    titles.push_back(title);
    if (!function.bounded) {
      std::fprintf(stderr, "%s: a stack frame without a bound\n", function.name.c_str());
      return 1;
    }
  }
  for (const std::string& title : titles) {
    if (!measure(graph, title)) {
      return 1;
    }
  }
  const auto deepest = std::max_element(graph.begin(), graph.end(),
                                        [](const auto& a, const auto& b) { return a.second.depth < b.second.depth; });
  const auto indirect =
      std::count_if(graph.begin(), graph.end(), [](const auto& item) { return item.second.indirect; });
  std::printf("%s: no recursion; deepest stack %llu bytes, %lld functions call through a pointer (not counted)\n",
              arguments[1], static_cast<unsigned long long>(deepest->second.depth), static_cast<long long>(indirect));
  for (const Function* f = &deepest->second; f != nullptr; f = f->deepest.empty() ? nullptr : &graph[f->deepest]) {
    std::printf("  %6llu  %s\n", static_cast<unsigned long long>(f->frame), f->name.c_str());
  }
  return 0;
}
