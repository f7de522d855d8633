#include "ovs-plugin/state_file/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sstream>

#include "tests/k8s-bridge/watcher/temporary_folder.h"

namespace ofe::state_file {
namespace {

using ::testing::HasSubstr;

class StateFiles : public ::testing::Test {
 protected:
  static std::string content(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  static bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }
  std::string write_as(const std::string& text, mode_t mode) {
    folder.write("state", text);
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    return path;
  }

  const ofe::watcher::TemporaryFolder folder;
  const std::string path = folder.path("state");
};

TEST_F(StateFiles, AFileIsTakenOnce) {
  write_as("OFEstate and more", 0600);
  {
    const TakenFile file(path);
    EXPECT_EQ(file.problem(), "");
    EXPECT_EQ(std::string(file.octets().begin(), file.octets().end()), "OFEstate and more");
    EXPECT_FALSE(exists(path));
  }
  const TakenFile again(path);
  EXPECT_TRUE(again.absent());
}

TEST_F(StateFiles, WhatIsNotOursIsLeftAsItIs) {
  const struct {
    const char* text;
    mode_t mode;
    const char* problem;
  } cases[] = {
      {"root:x:0:0", 0600, "is no state file of an exporter"},
      {"", 0600, "is empty"},
      {"OFEstate", 0660, "can be written by others"},
      {"OFEstate", 0602, "can be written by others"},
  };
  for (const auto& c : cases) {
    write_as(c.text, c.mode);
    const TakenFile file(path);
    EXPECT_THAT(file.problem(), HasSubstr(c.problem));
    EXPECT_FALSE(file.absent());
    EXPECT_EQ(content(path), c.text);
  }
}

TEST_F(StateFiles, LinksFoldersAndPipesAreRefused) {
  folder.write("elsewhere", "OFEstate");
  ASSERT_EQ(::symlink(folder.path("elsewhere").c_str(), path.c_str()), 0);
  EXPECT_THAT(TakenFile(path).problem(), HasSubstr("cannot be opened"));
  EXPECT_TRUE(exists(folder.path("elsewhere")));
  ASSERT_EQ(::unlink(path.c_str()), 0);
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_THAT(TakenFile(path).problem(), HasSubstr("is no regular file"));
  EXPECT_THAT(TakenFile(folder.path("")).problem(), HasSubstr("is no regular file"));
}

TEST_F(StateFiles, AFileComesIntoItsPlaceWholeOrNotAtAll) {
  write_as("OFEstate of before", 0600);
  {
    ReplacedFile file(path);
    EXPECT_TRUE(file.write("OFEstate of "));
    EXPECT_TRUE(file.write("now"));
    EXPECT_EQ(content(path), "OFEstate of before");
    EXPECT_TRUE(exists(path + ".new"));
  }
  EXPECT_EQ(content(path), "OFEstate of before") << "it was given up";
  EXPECT_FALSE(exists(path + ".new"));
  {
    ReplacedFile file(path);
    EXPECT_TRUE(file.write("OFEstate of now"));
    EXPECT_TRUE(file.put_in_place()) << file.error();
    EXPECT_EQ(file.octets(), 15u);
  }
  EXPECT_EQ(content(path), "OFEstate of now");
  EXPECT_FALSE(exists(path + ".new"));
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
}

TEST_F(StateFiles, WhatAKilledProcessLeftBesideIsReplaced) {
  folder.write("state.new", "half of");
  ReplacedFile file(path);
  EXPECT_TRUE(file.write("OFEstate"));
  EXPECT_TRUE(file.put_in_place());
  EXPECT_EQ(content(path), "OFEstate");
}

TEST_F(StateFiles, SomebodyElsesFileIsNotReplaced) {
  write_as("root:x:0:0", 0644);
  ReplacedFile file(path);
  EXPECT_FALSE(file.write("OFEstate"));
  EXPECT_FALSE(file.put_in_place());
  EXPECT_THAT(file.error(), HasSubstr("no state file of an exporter"));
  EXPECT_EQ(content(path), "root:x:0:0");
  write_as("", 0644);
  EXPECT_TRUE(ReplacedFile(path).write("OFEstate")) << "an empty one is nobody's";
}

TEST_F(StateFiles, WhatCannotBeWrittenIsNamed) {
  ReplacedFile no_folder(folder.path("none/state"));
  EXPECT_FALSE(no_folder.write("x"));
  EXPECT_THAT(no_folder.error(), HasSubstr("No such file"));
  ReplacedFile full("/dev/full");
  EXPECT_FALSE(full.put_in_place());
}

}  // namespace
}  // namespace ofe::state_file
