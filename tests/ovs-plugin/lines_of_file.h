// The lines of a recorded dump; a file that is not there fails the test by giving none.
#pragma once

#include <fstream>
#include <string>
#include <vector>

inline std::vector<std::string> lines_of_file(const std::string& path) {
  std::vector<std::string> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}
