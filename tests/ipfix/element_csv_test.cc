#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "ipfix/element.h"

namespace ipfix {
namespace {

class ElementCsv : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "elements-XXXXXX";
    const int fd = mkstemp(name.data());
    ASSERT_GE(fd, 0);
    close(fd);
    path = name;
  }
  void TearDown() override { unlink(path.c_str()); }
  bool add(const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
    return registry.add_csv_file(path, error);
  }
  // The error without the file's name.
  std::string complaint(const std::string& text) {
    EXPECT_FALSE(add(text));
    EXPECT_EQ(error.rfind(path + ":", 0), 0u) << error;
    EXPECT_TRUE(registry.all().empty()) << "nothing of a bad file is added";
    return error.substr(path.size());
  }

  std::string path;
  std::string error;
  Registry registry;
};

TEST_F(ElementCsv, ReadsColumnsByName) {
  ASSERT_TRUE(add("type,enterprise,name,id\nstring,4711,appName,1\nunsigned64,,octets,2\n")) << error;
  EXPECT_EQ(registry.find(4711, 1)->name, "appName");
  EXPECT_EQ(registry.find("octets")->enterprise, 0u);
  EXPECT_NE(registry.find("reverseOctets"), nullptr);
}

TEST_F(ElementCsv, ReadsIanaSpellingsQuotesAndLineBreaks) {
  ASSERT_TRUE(
      add("ElementID,Name,Abstract Data Type,Description,Enterprise ID,\r\n"
          "1,appName,string,\"says \"\"what\"\",\n\nand why\",4711,\r\n"
          "\r\n"
          "2,appId,unsigned32,,4711"))
      << error;
  EXPECT_EQ(registry.find("appName")->id, 1);
  EXPECT_EQ(registry.find("appId")->enterprise, 4711u);
  EXPECT_EQ(registry.all().size(), 2u);
}

TEST_F(ElementCsv, NamesTheFirstBadLine) {
  EXPECT_EQ(complaint(""), ":1: no header line");
  EXPECT_EQ(complaint("id,name\n1,x\n"), ":1: no column type or Abstract Data Type");
  EXPECT_EQ(complaint("id,name,type\n1,x,string\n0,y,string\n"), ":3: id \"0\" of y is not a number from 1 to 32767");
  EXPECT_EQ(complaint("id,name,type\n32768,y,string\n"), ":2: id \"32768\" of y is not a number from 1 to 32767");
  EXPECT_EQ(complaint("id,name,type\n1x,y,string\n"), ":2: id \"1x\" of y is not a number from 1 to 32767");
  EXPECT_EQ(complaint("id,name,type\n1,y,text\n"), ":2: unknown type \"text\" of y");
  EXPECT_EQ(complaint("id,name,type\n1,y\n"), ":2: unknown type \"\" of y");
  EXPECT_EQ(complaint("id,name,type\n1,,string\n"), ":2: no name");
  EXPECT_EQ(complaint("id,name,type,enterprise\n1,y,string,-1\n"),
            ":2: enterprise \"-1\" of y is not a number from 0 to 4294967295");
  EXPECT_EQ(complaint("id,name,type\n1,x,string\n1,y,string\n"), ":3: element 1 of enterprise 0 stands twice");
  EXPECT_EQ(complaint("id,name,type\n1,\"a\nb\",string\n2,y,nothing\n"), ":4: unknown type \"nothing\" of y");
  EXPECT_EQ(complaint("id,name,type\n1,x,string\n2,\"y,string\n"), ":3: quote without an end");
  EXPECT_EQ(complaint("id,name,type\n1," + std::string(70'000, 'x') + ",string\n"), ":2: row too long");
}

TEST_F(ElementCsv, SaysWhyAFileCannotBeOpened) {
  EXPECT_FALSE(registry.add_csv_file("/nonexistent/elements.csv", error));
  EXPECT_EQ(error, "/nonexistent/elements.csv:1: cannot be opened: No such file or directory");
}

}  // namespace
}  // namespace ipfix
