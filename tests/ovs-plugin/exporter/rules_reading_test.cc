// A management socket that is none, does not answer, or answers with garbage; what a real one says is in
// tests/ovs-plugin/ovs/openflow_test.cc and tests/integration/rule_zones_test.py.
#include "ovs-plugin/exporter/rules_reading.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "tests/ovs-plugin/ovs/loopback.h"

namespace ofe {
namespace {

using testing::HasSubstr;

// Listens; what connects is answered with `says` and kept.
class Peer {
 public:
  explicit Peer(const std::string& path) : listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_, 4), 0);
  }
  ~Peer() {
    hang_up();
    ::close(listener_);
  }
  void accept_and_say(const std::string& says) {
    connection_ = ::accept(listener_, nullptr, nullptr);
    EXPECT_EQ(::send(connection_, says.data(), says.size(), MSG_NOSIGNAL), static_cast<ssize_t>(says.size()));
  }
  void hang_up() {
    if (connection_ >= 0) ::close(connection_);
    connection_ = -1;
  }

 private:
  int listener_, connection_ = -1;
};

class RulesReadingTest : public testing::Test {
 protected:
  RulesReadingTest() { ofe_test::start_library(); }
  RulesReading::Progress step(RulesReading& reading, std::int64_t later_ms = 1) {
    now.monotonic_ms += later_ms;
    now.wall_ms += later_ms;
    return reading.step(now);
  }
  // Until it is over; a bounded number of steps.
  RulesReading::Progress finish(RulesReading& reading) {
    RulesReading::Progress progress = RulesReading::Progress::more;
    for (int i = 0;
         i < 1'000 && (progress == RulesReading::Progress::more || progress == RulesReading::Progress::waiting); ++i) {
      progress = step(reading);
    }
    return progress;
  }

  ofe_test::ScratchFolder folder;
  const std::string path = folder.file("br-int.mgmt");
  flowstore::Now now{1'000'000, 1'700'000'000'000};
  State state{{}, "node-a", now};
  QuestionBudget budget;
};

TEST_F(RulesReadingTest, NoSocket) {
  RulesReading reading(state, budget, path, now);
  EXPECT_EQ(step(reading), RulesReading::Progress::failed);
  EXPECT_THAT(reading.error(), HasSubstr("br-int.mgmt: No such file or directory"));
}

TEST_F(RulesReadingTest, OneThatNeverAnswersIsGivenUp) {
  Peer peer(path);
  RulesReading reading(state, budget, path, now);
  for (int i = 0; i < 5; ++i) step(reading);
  EXPECT_EQ(step(reading, 20'000), RulesReading::Progress::waiting);
  EXPECT_EQ(step(reading, 10'000), RulesReading::Progress::failed);
  EXPECT_THAT(reading.error(), HasSubstr("no answer for 30 s"));
  EXPECT_EQ(reading.cost_ms(), 0) << "nothing was asked yet";
}

// What looks like the length of a longer message is waited for, no longer than any answer.
TEST_F(RulesReadingTest, Garbage) {
  Peer peer(path);
  RulesReading reading(state, budget, path, now);
  peer.accept_and_say(std::string(200, 'G'));
  EXPECT_EQ(finish(reading), RulesReading::Progress::waiting);
  EXPECT_EQ(step(reading, 30'000), RulesReading::Progress::failed);
  EXPECT_NE(reading.error(), "");
}

// A hello of OpenFlow 1.3, then a message whose length is shorter than its own header.
TEST_F(RulesReadingTest, GarbageAfterTheHello) {
  Peer peer(path);
  RulesReading reading(state, budget, path, now);
  peer.accept_and_say(std::string("\x04\x00\x00\x08\x00\x00\x00\x01\x04\x13\x00\x03\x00\x00\x00\x02", 16));
  EXPECT_EQ(finish(reading), RulesReading::Progress::failed);
  EXPECT_NE(reading.error(), "");
}

TEST_F(RulesReadingTest, OneThatHangsUp) {
  Peer peer(path);
  RulesReading reading(state, budget, path, now);
  peer.accept_and_say(std::string("\x04\x00\x00\x08\x00\x00\x00\x01", 8));
  for (int i = 0; i < 5; ++i) step(reading);
  peer.hang_up();
  EXPECT_EQ(finish(reading), RulesReading::Progress::failed);
  EXPECT_NE(reading.error(), "");
}

TEST_F(RulesReadingTest, WaitsForTheBudget) {
  Peer peer(path);
  budget.charge(now.monotonic_ms, 1'000, now.monotonic_ms);  // 20 s to pay
  RulesReading reading(state, budget, path, now);
  EXPECT_EQ(step(reading, 5'000), RulesReading::Progress::waiting);
  EXPECT_EQ(step(reading, 15'000), RulesReading::Progress::more);
}

}  // namespace
}  // namespace ofe
