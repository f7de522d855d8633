// A metadata server that a test turns, and the store it serves.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "k8s-bridge/watcher/metadata_server.h"
#include "tests/k8s-bridge/watcher/objects.h"
#include "tests/k8s-bridge/watcher/temporary_folder.h"
#include "tests/k8s-bridge/watcher/test_exporter.h"

namespace ofe::watcher {

class MetadataServerTest : public ::testing::Test {
 protected:
  MetadataServerTest() : path_(folder_.path("run/metadata.sock")) {
    state_.synced = state_.pods_of_all_nodes = state_.all_nodes_offered = true;
    options_.resume_window_ms = 0;
  }
  void open(StoreLimits limits = {}) {
    store_ = std::make_unique<ObjectStore>(limits, epoch);
    ServerOptions options = options_;
    options.socket_path = path_;
    options.node_name = "node-a";
    std::string error;
    server_ = MetadataServer::open(options, error);
    ASSERT_NE(server_, nullptr) << error;
  }
  void run() { server_->run(now_, *store_, state_); }
  // Turns the loop until the exporters have all there is; a unix socket delivers at once.
  template <typename... Exporters>
  void settle(Exporters&... exporters) {
    for (int quiet = 0; quiet < 2;) {
      run();
      const std::size_t frames = (std::size_t{0} + ... + exporters.receive());
      quiet = frames == 0 ? quiet + 1 : 0;
    }
  }

  static constexpr std::uint64_t epoch = 77;
  TemporaryFolder folder_;
  std::string path_;
  ServerOptions options_;
  std::unique_ptr<ObjectStore> store_;
  std::unique_ptr<MetadataServer> server_;
  SourceState state_;
  Now now_{50'000, 1'700'000'000'000};
};

}  // namespace ofe::watcher
