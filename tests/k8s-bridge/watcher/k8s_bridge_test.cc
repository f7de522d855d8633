// The program as a process.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/k8s-bridge/watcher/temporary_folder.h"
#include "tests/k8s-bridge/watcher/test_exporter.h"

extern char** environ;

namespace ofe::watcher {
namespace {

namespace v1 = metadata::v1;
using ::testing::HasSubstr;

class K8sBridgeTest : public ::testing::Test {
 protected:
  K8sBridgeTest() : socket_(folder_.path("run/ofe/metadata.sock")), log_(folder_.path("log")) {}
  ~K8sBridgeTest() override {
    if (pid_ > 0) kill(pid_, SIGKILL);
    if (pid_ > 0) waitpid(pid_, nullptr, 0);
  }
  void start(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), K8S_BRIDGE_PROGRAM);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, log_.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    ASSERT_EQ(posix_spawn(&pid_, K8S_BRIDGE_PROGRAM, &actions, nullptr, argv.data(), environ), 0);
    posix_spawn_file_actions_destroy(&actions);
  }
  int wait_for_end() {
    int status = -1;
    EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
    pid_ = -1;
    EXPECT_TRUE(WIFEXITED(status)) << log();
    return WEXITSTATUS(status);
  }
  std::string log() const {
    std::stringstream text;
    text << std::ifstream(log_).rdbuf();
    return text.str();
  }
  std::unique_ptr<TestExporter> connect() {
    for (int i = 0; i < 1'000; ++i) {
      auto exporter = std::make_unique<TestExporter>(socket_);
      if (exporter->connected()) return exporter;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    ADD_FAILURE() << "nobody serves " << socket_ << ": " << log();
    return nullptr;
  }
  template <typename Reached>
  bool until(TestExporter& exporter, Reached reached) {
    for (int i = 0; i < 400 && !reached() && !exporter.closed(); ++i) exporter.receive_within(50);
    return reached();
  }

  TemporaryFolder folder_;
  std::string socket_, log_;
  pid_t pid_ = -1;
};

TEST_F(K8sBridgeTest, ServesAStaticFileFollowsItAndEndsCleanly) {
  const std::string file =
      folder_.write("objects.yaml", "{kind: Pod, metadata: {name: a}, spec: {nodeName: node-a}}\n");
  start({"--static", file, "--socket", socket_, "--node-name", "node-a"});
  const auto exporter = connect();
  ASSERT_NE(exporter, nullptr);
  exporter->hello("node-a", v1::SCOPE_LOCAL);
  ASSERT_TRUE(until(*exporter, [&] { return exporter->snapshots == 1; })) << log();
  EXPECT_EQ(exporter->pods.count("default/a"), 1u);
  EXPECT_TRUE(exporter->status.synced());

  folder_.write("objects.yaml", "{kind: Pod, metadata: {name: b}, spec: {nodeName: node-a}}\n");
  EXPECT_TRUE(until(*exporter, [&] { return exporter->pods.count("default/b") == 1 && exporter->pods.size() == 1; }));
  folder_.write("objects.yaml", "kind: [");
  EXPECT_TRUE(until(*exporter, [&] { return !exporter->status.detail().empty(); }));
  EXPECT_EQ(exporter->pods.size(), 1u);

  kill(pid_, SIGTERM);
  EXPECT_EQ(wait_for_end(), 0) << log();
  EXPECT_FALSE(std::filesystem::exists(socket_));
  EXPECT_TRUE(until(*exporter, [&] { return exporter->closed(); }));
}

TEST_F(K8sBridgeTest, TakesOverTheSocketOfOneThatWasKilled) {
  const std::string file = folder_.write("objects.yaml", "");
  start({"--static", file, "--socket", socket_});
  ASSERT_NE(connect(), nullptr);
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  ASSERT_TRUE(std::filesystem::exists(socket_));
  start({"--static", file, "--socket", socket_});
  const auto exporter = connect();
  ASSERT_NE(exporter, nullptr);
  exporter->hello("x", v1::SCOPE_CLUSTER);
  EXPECT_TRUE(until(*exporter, [&] { return exporter->snapshots == 1; }));
  kill(pid_, SIGINT);
  EXPECT_EQ(wait_for_end(), 0);
}

TEST_F(K8sBridgeTest, ServesBeforeTheApiServerIsThere) {
  const std::string kubeconfig =
      folder_.write("kubeconfig",
                    "current-context: c\ncontexts: [{name: c, context: {cluster: c}}]\n"
                    "clusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}]\n");  // port 1: nobody listens
  start({"--kubeconfig", kubeconfig, "--socket", socket_, "--node-name", "node-a"});
  const auto exporter = connect();
  ASSERT_NE(exporter, nullptr);
  exporter->hello("node-a", v1::SCOPE_LOCAL);
  EXPECT_TRUE(until(*exporter, [&] { return exporter->status.detail().find("pods: list: ") != std::string::npos; }));
  EXPECT_FALSE(exporter->status.synced());
  EXPECT_EQ(exporter->snapshots, 0) << "an empty snapshot would take names away";
  kill(pid_, SIGTERM);
  EXPECT_EQ(wait_for_end(), 0) << log();
  EXPECT_FALSE(std::filesystem::exists(socket_));
}

TEST_F(K8sBridgeTest, ErrorsAreToldAndEndWithOne) {
  start({"--static", folder_.path("missing.yaml"), "--socket", socket_});
  EXPECT_EQ(wait_for_end(), 1);
  EXPECT_THAT(log(), HasSubstr("cannot open " + folder_.path("missing.yaml")));
  start({"--kubeconfig", folder_.path("none"), "--socket", socket_});
  EXPECT_EQ(wait_for_end(), 1);
  EXPECT_THAT(log(), HasSubstr("kubeconfig: cannot open"));
  start({"--static", "a", "--kubeconfig", "b"});
  EXPECT_EQ(wait_for_end(), 1);
  EXPECT_THAT(log(), HasSubstr("excludes"));
  start({"--log-level", "loud"});
  EXPECT_EQ(wait_for_end(), 1);
  EXPECT_FALSE(std::filesystem::exists(socket_));
}

}  // namespace
}  // namespace ofe::watcher
