#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <filesystem>

#include "ovs-plugin/ovs/ovs.h"
#include "tests/ovs-plugin/ovs/process.h"

namespace ofe_test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Daemon : public ::testing::Test {
 protected:
  // What detaches becomes our child, so that it can be reaped whatever process 1 does.
  void SetUp() override { ASSERT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0); }

  pid_t start(std::vector<std::string> words) {
    words.insert(words.begin(), {OFE_DAEMON_PROBE, folder.path().string()});
    return spawn(words, {.output = folder.file("console")});
  }
  pid_t written_pid() const { return std::atoi(read_file(folder.file("ofe-daemon-probe.pid")).c_str()); }
  bool is_ready() const { return std::filesystem::exists(folder.file("probe.ctl")) && written_pid() > 0; }
  bool left_nothing() const {
    return !std::filesystem::exists(folder.file("probe.ctl")) &&
           !std::filesystem::exists(folder.file("ofe-daemon-probe.pid"));
  }
  int turns_while_ending() const {
    const std::string text = read_file(folder.file("flushed"));
    return text.empty() ? -1 : std::stoi(text);
  }

  ScratchFolder folder;
};

TEST_F(Daemon, TerminationLeavesTimeToFlushAndRemovesPidfileAndSocket) {
  for (const int signal_number : {SIGTERM, SIGINT, SIGHUP}) {
    std::filesystem::remove(folder.file("flushed"));
    const pid_t pid = start({});
    ASSERT_TRUE(wait_until([&] { return is_ready(); })) << read_file(folder.file("console"));
    EXPECT_EQ(written_pid(), pid);
    kill(pid, signal_number);
    EXPECT_EQ(wait_for(pid), 0) << "ended by the signal instead of by itself";
    EXPECT_TRUE(left_nothing());
    EXPECT_GE(turns_while_ending(), 1);
    EXPECT_LE(turns_while_ending(), 20) << "the loop spun after the signal";
  }
}

TEST_F(Daemon, WithoutOurHandlerTheLibraryEndsTheProcessAtOnce) {
  const pid_t pid = start({"no-signals"});
  ASSERT_TRUE(wait_until([&] { return is_ready(); })) << read_file(folder.file("console"));
  kill(pid, SIGTERM);
  EXPECT_EQ(wait_for(pid), -SIGTERM);
  EXPECT_EQ(turns_while_ending(), -1);
  EXPECT_TRUE(left_nothing());
}

TEST_F(Daemon, DetachReturnsWhenStartupIsComplete) {
  const pid_t parent = start({"detach"});
  EXPECT_EQ(wait_for(parent), 0);
  ASSERT_TRUE(is_ready()) << "the parent returned before daemonize_complete()";
  const pid_t daemon = written_pid();
  EXPECT_NE(daemon, parent);
  kill(daemon, SIGTERM);
  EXPECT_EQ(wait_for(daemon), 0);
  EXPECT_TRUE(left_nothing());
  EXPECT_GE(turns_while_ending(), 1);
}

TEST_F(Daemon, MonitorRestartsWhatCrashesAndNotWhatEnds) {
  const pid_t monitor = start({"monitor"});
  ASSERT_TRUE(wait_until([&] { return is_ready(); })) << read_file(folder.file("console"));
  const pid_t first = written_pid();
  EXPECT_NE(first, monitor);
  kill(first, SIGABRT);
  ASSERT_TRUE(wait_until([&] { return written_pid() > 0 && written_pid() != first; }))
      << read_file(folder.file("probe.log"));
  const pid_t second = written_pid();
  ASSERT_TRUE(wait_until([&] { return std::filesystem::exists(folder.file("probe.ctl")); }));
  // The pidfile stands before the handlers do; the log line comes after them.
  ASSERT_TRUE(wait_until([&] {
    const std::string log = read_file(folder.file("probe.log"));
    return log.find("ready") != log.rfind("ready");
  }));
  kill(second, SIGTERM);
  EXPECT_EQ(wait_for(monitor), 0);
  EXPECT_TRUE(left_nothing());
  EXPECT_GE(turns_while_ending(), 1);
}

TEST_F(Daemon, LogsGoToTheFileAtTheLevelAskedFor) {
  const pid_t pid = start({});
  ASSERT_TRUE(
      wait_until([&] { return read_file(folder.file("probe.log")).find("of the level") != std::string::npos; }));
  kill(pid, SIGTERM);
  wait_for(pid);
  const std::string log = read_file(folder.file("probe.log"));
  EXPECT_THAT(log, HasSubstr("|flow_exporter|INFO|100%s ready\n"));
  EXPECT_THAT(log, HasSubstr("|flow_exporter|DBG|of the level\n"));
  EXPECT_THAT(log, Not(HasSubstr("below the level")));
  EXPECT_THAT(log, Not(HasSubstr("after switching off")));
}

}  // namespace
}  // namespace ofe_test
