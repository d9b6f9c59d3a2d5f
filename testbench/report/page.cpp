#include "testbench/report/page.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <string_view>

// The build names the directory; the files become read-only data of this program.
#define EMBED(name, file)                                          \
  asm(".pushsection .rodata\n" #name                               \
      "_begin:\n"                                                  \
      ".incbin \"" RINGSIDE_REPORT_DIRECTORY "/" file "\"\n" #name \
      "_end:\n"                                                    \
      ".popsection\n");                                            \
  extern "C" {                                                     \
  [[gnu::visibility("hidden")]] extern const char name##_begin[];  \
  [[gnu::visibility("hidden")]] extern const char name##_end[];    \
  }

EMBED(ringside_page_html, "page.html")
EMBED(ringside_page_css, "page.css")
EMBED(ringside_page_js, "page.js")

namespace ringside::report {
namespace {

using Json = nlohmann::ordered_json;

std::string json_text(const Json& json) { return json.dump(-1, ' ', true, Json::error_handler_t::replace); }

// For a script element, whose end a text from a log must not spell. Outside of strings JSON has no such character.
std::string without_markup(std::string_view json) {
  std::string result;
  result.reserve(json.size());
  for (const char c : json) {
    if (c == '<') {
      result += "\\u003c";
    } else {
      result += c;
    }
  }
  return result;
}

std::string html_text(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

Json waivers(const std::vector<trace::Waiver>& all) {
  Json rows = Json::array();
  for (const trace::Waiver& waiver : all) {
    rows.push_back({{"clause", waiver.clause},
                    {"reason", waiver.reason},
                    {"scenario", waiver.scenario},
                    {"kind", waiver.kind},
                    {"subject", waiver.subject},
                    {"field", waiver.field},
                    {"decided_by", waiver.decided_by},
                    {"expires", trace::date_text(waiver.expires)},
                    {"line", waiver.line},
                    {"hits", waiver.hits}});
  }
  return rows;
}

// Chapters are JSON already.
std::string data_of(const Book& book) {
  std::string data = json_text({{"schema", "ringside.report/1"},
                                {"title", book.title},
                                {"command", book.command},
                                {"version", RINGSIDE_VERSION},
                                {"left", book.left},
                                {"right", book.right},
                                {"waivers", waivers(book.waivers)},
                                {"remarks", book.remarks}});
  data.back() = ',';
  data += "\"chapters\":[";
  for (std::size_t i = 0; i < book.chapters.size(); ++i) {
    data += (i == 0 ? "" : ",\n") + book.chapters[i];
  }
  return data + "]}";
}

}  // namespace

std::string page_of(const Book& book) {
  const auto put = [](std::string& page, std::string_view place, const std::string& text) {
    page.replace(page.find(place), place.size(), text);
  };
  std::string page(ringside_page_html_begin, ringside_page_html_end);
  // From the end on: what is put in may contain the names of other places.
  put(page, "@SCRIPT@", std::string(ringside_page_js_begin, ringside_page_js_end));
  put(page, "@DATA@", without_markup(data_of(book)));
  put(page, "@STYLE@", std::string(ringside_page_css_begin, ringside_page_css_end));
  put(page, "@TITLE@", html_text(book.title));
  return page;
}

}  // namespace ringside::report
