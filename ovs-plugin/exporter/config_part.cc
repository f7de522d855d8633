#include "ovs-plugin/exporter/config_part.h"

#include <poll.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "ovs-plugin/ovs/ovs.h"
#include "ovs-plugin/record/extra_elements.h"

namespace ofe {
namespace {
// Where inotify is not to be had, the file is looked at this often.
constexpr std::int64_t look_interval_ms = 5'000;
}  // namespace

bool set_log_level(const std::string& level) {
  struct Level {
    const char* name;
    spdlog::level::level_enum ours;
    ofe_ovs_log_level ovs;
  };
  static constexpr Level levels[] = {{"off", spdlog::level::off, OFE_OVS_LOG_OFF},
                                     {"error", spdlog::level::err, OFE_OVS_LOG_ERR},
                                     {"warn", spdlog::level::warn, OFE_OVS_LOG_WARN},
                                     {"info", spdlog::level::info, OFE_OVS_LOG_INFO},
                                     {"debug", spdlog::level::debug, OFE_OVS_LOG_DBG}};
  for (const Level& known : levels) {
    if (level != known.name) continue;
    spdlog::set_level(known.ours);
    ofe_ovs_log_set_level(known.ovs);
    return true;
  }
  return false;
}

ConfigPart::ConfigPart(State& state, std::string path) : state_(state), path_(std::move(path)), watch_(path_) {}

void ConfigPart::run(flowstore::Now now) {
  if (watch_.changed()) reload(now);
}

void ConfigPart::wait(flowstore::Now now) {
  if (watch_.fd() >= 0) {
    ofe_ovs_poll_fd_wait(watch_.fd(), POLLIN);
  } else {
    ofe_ovs_poll_timer_wait_until(now.monotonic_ms + look_interval_ms);
  }
}

bool ConfigPart::reload(flowstore::Now now) {
  config::ParseResult parsed = config::load(path_, {record::extra_element_names(), record::why_not_extra});
  stats_.problems = parsed.errors;
  if (!stats_.problems.empty()) {
    ++stats_.refused;
    for (const std::string& problem : stats_.problems)
      spdlog::error("configuration refused, the old one stays: {}", problem);
    return false;
  }
  for (const std::string& warning : parsed.warnings) spdlog::warn("{}", warning);
  ++stats_.reloads;
  stats_.last_reload_wall_ms = now.wall_ms;
  if (parsed.settings->max_flows != state_.settings.max_flows) {
    spdlog::warn("ovsFlowExporter.maxFlows takes effect at the next start; {} stays until then",
                 state_.settings.max_flows);
    parsed.settings->max_flows = state_.settings.max_flows;
  }
  if (parsed.settings->log_level != state_.settings.log_level) set_log_level(parsed.settings->log_level);
  state_.apply(*parsed.settings, now);
  spdlog::info("configuration {} taken over", path_);
  return true;
}

}  // namespace ofe
