#include "ovs-plugin/conntrack/sysctl.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace ofe::conntrack {
namespace {

namespace fs = std::filesystem;

class Accounting : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "ofe-accounting-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    proc_ = name;
    fs::create_directories(proc_ / "sys/net/netfilter");
  }
  void TearDown() override { fs::remove_all(proc_); }

  fs::path file(const char* name) const { return proc_ / "sys/net/netfilter" / name; }
  void write(const char* name, const char* text) const { std::ofstream(file(name)) << text; }
  std::string read(const char* name) const {
    std::string value;
    std::ifstream(file(name)) >> value;
    return value;
  }

  fs::path proc_;
};

TEST_F(Accounting, TurnsOnWhatIsOff) {
  write("nf_conntrack_acct", "0\n");
  write("nf_conntrack_timestamp", "1\n");
  const AccountingSysctls now = enable_accounting(proc_.string());
  EXPECT_TRUE(now.accounting);
  EXPECT_TRUE(now.timestamps);
  EXPECT_EQ(now.problem, "");
  EXPECT_EQ(read("nf_conntrack_acct"), "1");
  EXPECT_EQ(read("nf_conntrack_timestamp"), "1");
}

TEST_F(Accounting, SaysWhatIsMissingAndWhatThatMeans) {
  write("nf_conntrack_timestamp", "0\n");
  const AccountingSysctls now = enable_accounting(proc_.string());
  EXPECT_FALSE(now.accounting);
  EXPECT_TRUE(now.timestamps);
  EXPECT_EQ(now.problem,
            "cannot open " + file("nf_conntrack_acct").string() +
                ": No such file or directory; connections tracked by the kernel carry no packet and octet counts");
}

TEST_F(Accounting, SaysWhatCannotBeWritten) {
  // A folder in place of a file: neither can be read, whoever runs the test.
  fs::create_directory(file("nf_conntrack_acct"));
  fs::create_directory(file("nf_conntrack_timestamp"));
  const AccountingSysctls now = enable_accounting(proc_.string());
  EXPECT_FALSE(now.accounting);
  EXPECT_FALSE(now.timestamps);
  EXPECT_EQ(now.problem,
            "cannot read " + file("nf_conntrack_acct").string() +
                ": Is a directory; connections tracked by the kernel carry no packet and octet counts. cannot read " +
                file("nf_conntrack_timestamp").string() +
                ": Is a directory; their start is taken to be the moment they are first seen");
}

TEST_F(Accounting, EventsAreSwitchedOnAndPutBack) {
  write("nf_conntrack_events", "2\n");
  {
    const EventsSysctl events(proc_.string());
    EXPECT_EQ(events.problem(), "");
    EXPECT_TRUE(events.changed());
    EXPECT_EQ(read("nf_conntrack_events"), "1");
  }
  EXPECT_EQ(read("nf_conntrack_events"), "2");
}

TEST_F(Accounting, EventsThatWereOnStayOn) {
  write("nf_conntrack_events", "1\n");
  {
    const EventsSysctl events(proc_.string());
    EXPECT_FALSE(events.changed());
  }
  EXPECT_EQ(read("nf_conntrack_events"), "1");
}

TEST_F(Accounting, EventsThatCannotBeSwitchedOnAreAProblemNotAnEnd) {
  const EventsSysctl events(proc_.string());
  EXPECT_EQ(events.problem(), "cannot open " + file("nf_conntrack_events").string() +
                                  ": No such file or directory; connections older than this process may end without "
                                  "an event");
  EXPECT_FALSE(events.changed());
}

}  // namespace
}  // namespace ofe::conntrack
