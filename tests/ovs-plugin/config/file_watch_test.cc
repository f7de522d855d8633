#include <gtest/gtest.h>
#include <poll.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "ovs-plugin/config/config.h"

namespace ofe::config {
namespace {

namespace fs = std::filesystem;

class FileWatchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = fs::temp_directory_path() / "ofe-watch-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder = name;
  }
  void TearDown() override { fs::remove_all(folder); }
  void write(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }
  static bool is_readable(const FileWatch& watch) {
    pollfd descriptor{watch.fd(), POLLIN, 0};
    return poll(&descriptor, 1, 0) == 1;
  }
  // As the kubelet does: a new folder, then ..data is swapped to it by a rename.
  void swap_config_map(const std::string& version, const std::string& text) {
    fs::create_directory(folder / ("..v" + version));
    write(folder / ("..v" + version) / "a.conf", text);
    fs::create_directory_symlink("..v" + version, folder / "..data_tmp");
    fs::rename(folder / "..data_tmp", folder / "..data");
  }
  fs::path folder;
};

TEST_F(FileWatchTest, SeesAWriteOnceAndNothingElse) {
  write(folder / "a.conf", "x: 1\n");
  FileWatch watch(folder / "a.conf");
  ASSERT_GE(watch.fd(), 0);
  EXPECT_FALSE(watch.changed());
  write(folder / "other.conf", "y\n");
  EXPECT_FALSE(watch.changed());
  write(folder / "a.conf", "x: 2\n");  // as long as before, maybe within the same tick of the clock
  EXPECT_TRUE(is_readable(watch));
  EXPECT_TRUE(watch.changed());
  EXPECT_FALSE(is_readable(watch));
  EXPECT_FALSE(watch.changed());
}

TEST_F(FileWatchTest, WaitsUntilTheWriterIsDone) {
  write(folder / "a.conf", "x: 1\n");
  FileWatch watch(folder / "a.conf");
  std::ofstream writer(folder / "a.conf");  // empties it
  writer << "x:" << std::flush;
  EXPECT_FALSE(watch.changed());
  writer << " 2\n" << std::flush;
  writer.close();
  EXPECT_TRUE(watch.changed());
}

TEST_F(FileWatchTest, SeesAFileRenamedOverIt) {
  write(folder / "a.conf", "x: 1\n");
  FileWatch watch(folder / "a.conf");
  write(folder / "new", "x: 2\n");
  fs::rename(folder / "new", folder / "a.conf");
  EXPECT_TRUE(watch.changed());
  EXPECT_FALSE(watch.changed());
}

TEST_F(FileWatchTest, AnEditorsDetourIsOneChange) {
  write(folder / "a.conf", "x: 1\n");
  FileWatch watch(folder / "a.conf");
  fs::rename(folder / "a.conf", folder / "a.conf~");
  write(folder / "a.conf", "x: 2\n");
  EXPECT_TRUE(watch.changed());
  fs::remove(folder / "a.conf~");
  EXPECT_FALSE(watch.changed());
}

TEST_F(FileWatchTest, SeesItGoAndComeBack) {
  write(folder / "a.conf", "x: 1\n");
  FileWatch watch(folder / "a.conf");
  fs::remove(folder / "a.conf");
  EXPECT_TRUE(watch.changed());
  EXPECT_FALSE(watch.changed());
  write(folder / "a.conf", "x: 1\n");
  EXPECT_TRUE(watch.changed());
}

TEST_F(FileWatchTest, SeesEverySwapOfAConfigMap) {
  swap_config_map("1", "x: 1\n");
  fs::create_symlink("..data/a.conf", folder / "a.conf");
  FileWatch watch(folder / "a.conf");
  EXPECT_FALSE(watch.changed());
  for (int version = 2; version < 6; ++version) {
    swap_config_map(std::to_string(version), "x: 2\n");
    EXPECT_TRUE(watch.changed()) << version;
    fs::remove_all(folder / ("..v" + std::to_string(version - 1)));
    EXPECT_FALSE(watch.changed()) << version;
  }
}

TEST_F(FileWatchTest, FollowsASymlinkToAFileElsewhere) {
  const fs::path elsewhere = folder / "elsewhere";
  fs::create_directory(elsewhere);
  write(elsewhere / "real.conf", "x: 1\n");
  fs::create_symlink("elsewhere/real.conf", folder / "a.conf");
  FileWatch watch(folder / "a.conf");
  write(elsewhere / "real.conf", "x: 2\n");
  EXPECT_TRUE(watch.changed());
  write(elsewhere / "second.conf", "x: 3\n");
  EXPECT_FALSE(watch.changed());
  fs::remove(folder / "a.conf");
  fs::create_symlink("elsewhere/second.conf", folder / "a.conf");
  EXPECT_TRUE(watch.changed());
  write(elsewhere / "second.conf", "x: 4\n");
  EXPECT_TRUE(watch.changed());
}

TEST_F(FileWatchTest, ComparesWhereItCannotWatch) {
  const fs::path later = folder / "later";
  FileWatch watch(later / "a.conf");  // the folder is not there yet
  EXPECT_EQ(watch.fd(), -1);
  EXPECT_FALSE(watch.changed());
  fs::create_directory(later);
  write(later / "a.conf", "x: 1\n");
  EXPECT_TRUE(watch.changed());
  EXPECT_FALSE(watch.changed());
  write(later / "a.conf", "x: 10\n");
  EXPECT_TRUE(watch.changed());
}

TEST_F(FileWatchTest, ComparesFromThenOnWhenTheFolderGoes) {
  const fs::path inner = folder / "inner";
  fs::create_directory(inner);
  write(inner / "a.conf", "x: 1\n");
  FileWatch watch(inner / "a.conf");
  ASSERT_GE(watch.fd(), 0);
  fs::remove_all(inner);
  EXPECT_TRUE(watch.changed());
  EXPECT_EQ(watch.fd(), -1);
  fs::create_directory(inner);
  write(inner / "a.conf", "x: 2\n");
  EXPECT_TRUE(watch.changed());
  EXPECT_FALSE(watch.changed());
}

}  // namespace
}  // namespace ofe::config
