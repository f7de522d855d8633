// The configuration file: watched, reread, and taken over when it is valid.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ovs-plugin/config/config.h"
#include "ovs-plugin/exporter/part.h"
#include "ovs-plugin/exporter/state.h"

namespace ofe {

struct ConfigPartStats {
  std::uint64_t reloads = 0, refused = 0;
  std::int64_t last_reload_wall_ms = 0;
  std::vector<std::string> problems;  // of the last attempt; empty when it was taken over
};

class ConfigPart : public Part {
 public:
  ConfigPart(State& state, std::string path);
  void run(flowstore::Now now) override;
  void wait(flowstore::Now now) override;
  // False: refused, stats().problems says why, the settings in force stay.
  bool reload(flowstore::Now now);
  const std::string& path() const { return path_; }
  const ConfigPartStats& stats() const { return stats_; }

 private:
  State& state_;
  std::string path_;
  config::FileWatch watch_;
  ConfigPartStats stats_;
};

// Levels of ovsFlowExporter.logLevel and of log/set: off, error, warn, info, debug. False: not one of them.
bool set_log_level(const std::string& level);

}  // namespace ofe
