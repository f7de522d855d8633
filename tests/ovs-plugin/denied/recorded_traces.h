// data/traces.txt: answers of Open vSwitch 3.1's ofproto/trace on a bridge whose tables are in the shape of Antrea's,
// each after a line "==== NAME".
#pragma once

#include <fstream>
#include <map>
#include <string>

namespace ofe::denied {

inline std::map<std::string, std::string> recorded_traces() {
  std::ifstream file(OFE_TEST_DATA "/traces.txt");
  std::map<std::string, std::string> traces;
  std::string line, name;
  while (std::getline(file, line)) {
    if (line.starts_with("==== ")) {
      name = line.substr(5);
    } else {
      traces[name] += line + "\n";
    }
  }
  return traces;
}

}  // namespace ofe::denied
