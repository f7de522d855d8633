#include "ovs-plugin/exporter/log_sink.h"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <mutex>
#include <string>

#include "ovs-plugin/ovs/ovs.h"

namespace ofe {
namespace {

ofe_ovs_log_level level_of(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::critical:
      return OFE_OVS_LOG_EMER;
    case spdlog::level::err:
      return OFE_OVS_LOG_ERR;
    case spdlog::level::warn:
      return OFE_OVS_LOG_WARN;
    case spdlog::level::info:
      return OFE_OVS_LOG_INFO;
    default:
      return OFE_OVS_LOG_DBG;
  }
}

class VlogSink : public spdlog::sinks::base_sink<std::mutex> {
 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    ofe_ovs_log(level_of(message.level), std::string(message.payload.data(), message.payload.size()).c_str());
  }
  void flush_() override {}
};

}  // namespace

void log_through_ovs() {
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("ovs-flow-exporter", std::make_shared<VlogSink>()));
}

}  // namespace ofe
