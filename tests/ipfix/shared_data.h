// Third-party messages that stay outside the project: $OFE_SHARED, else the folder "shared" beside it.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace ipfix_test {

inline std::filesystem::path shared_data(const std::string& below) {
  const char* given = std::getenv("OFE_SHARED");
  return std::filesystem::path(given != nullptr ? given : OFE_SHARED_DEFAULT) / "data" / below;
}

inline std::vector<std::uint8_t> read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

// Skipped without the folder, failed when CI=true says that it must be there.
class SharedDataTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto folder = shared_data("corpus");
    if (std::filesystem::is_directory(folder)) return;
    const char* ci = std::getenv("CI");
    if (ci != nullptr && std::string(ci) == "true") FAIL() << "no folder " << folder;
    GTEST_SKIP() << "no folder " << folder;
  }
};

}  // namespace ipfix_test
