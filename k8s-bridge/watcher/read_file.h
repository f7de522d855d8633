// A whole file as text, of a bounded size.
#pragma once

#include <cstddef>
#include <string>

namespace ofe::watcher {

// False: error says what could not be read and why; text is then unspecified.
bool read_file(const std::string& path, std::size_t max_octets, std::string& text, std::string& error);

}  // namespace ofe::watcher
