#include "ovs-plugin/datapath/dpif_show.h"

#include <charconv>
#include <system_error>
#include <utility>

namespace ofe::datapath {
namespace {

template <typename Number>
bool read_whole(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

void DpifShow::add_line(std::string_view line) {
  const std::size_t indent = line.find_first_not_of(' ');
  if (indent == std::string_view::npos || indent == 0) return;  // a datapath's own line
  line.remove_prefix(indent);
  if (indent <= 2) {
    if (line.ends_with(':')) line.remove_suffix(1);
    bridge_ = line;
  } else if (!read_port(line)) {
    ++unreadable_;
  }
}

// "v1 1/2: (system)". A name may hold anything but a blank.
bool DpifShow::read_port(std::string_view text) {
  const std::size_t blank = text.find(' ');
  const std::size_t slash = text.find('/', blank == std::string_view::npos ? text.size() : blank);
  const std::size_t colon = text.find(':', slash == std::string_view::npos ? text.size() : slash);
  if (colon == std::string_view::npos) return false;
  DpifPort port{bridge_, std::string(text.substr(0, blank)), 0, 0};
  if (!read_whole(text.substr(blank + 1, slash - blank - 1), port.ofport)) return false;
  const std::string_view number = text.substr(slash + 1, colon - slash - 1);
  if (number == "none") return true;
  if (!read_whole(number, port.number)) return false;
  ports_.push_back(std::move(port));
  return true;
}

}  // namespace ofe::datapath
