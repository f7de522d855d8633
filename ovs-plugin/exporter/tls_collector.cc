#include "ovs-plugin/exporter/tls_collector.h"

#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>

#include "ovs-plugin/exporter/commands.h"

namespace ofe {
namespace {

std::string name_of(const config::Tls& tls, const config::Collector& collector) {
  if (!tls.server_name.empty()) return tls.server_name;
  if (collector.service_name.empty()) return collector.host;
  return collector.service_name + "." + collector.service_namespace + ".svc";
}

}  // namespace

ipfix::Transport transport_of(config::CollectorProtocol protocol) {
  switch (protocol) {
    case config::CollectorProtocol::tcp:
      return ipfix::Transport::tcp;
    case config::CollectorProtocol::udp:
      return ipfix::Transport::udp;
    case config::CollectorProtocol::tls:
      return ipfix::Transport::tls;
  }
  return ipfix::Transport::tcp;
}

std::shared_ptr<ipfix::TlsContext> make_tls_context(const config::Tls& tls, const config::Collector& collector) {
  return std::make_shared<ipfix::TlsContext>(
      ipfix::TlsOptions{tls.ca_file, tls.certificate_file, tls.key_file, name_of(tls, collector)});
}

std::string to_string(const config::Tls& tls) {
  std::string text;
  for (const std::string* part : {&tls.ca_file, &tls.certificate_file, &tls.key_file, &tls.server_name}) {
    text += *part + '\0';
  }
  return text;
}

nlohmann::ordered_json tls_json(const ipfix::TlsContext& context) {
  const ipfix::TlsFileStats& stats = context.stats();
  const std::int64_t expires_s = stats.own_certificate_expires_s.value_or(0);
  return {{"expectedName", context.options().server_name},
          {"ownCertificateExpires", expires_s == 0 ? "no certificate" : time_text(expires_s * 1'000)},
          {"fileLoads", stats.loads},
          {"fileLoadFailures", stats.load_failures},
          {"fileProblem", stats.problem}};
}

void TlsReport::run(const ipfix::TlsContext& context, flowstore::Now now) {
  if (of_ != &context) *this = TlsReport{};
  of_ = &context;
  const ipfix::TlsFileStats& stats = context.stats();
  if (context.generation() > 1 && context.generation() != generation_) {
    spdlog::info("tls: certificates were replaced; sessions are made with the new ones");
  }
  if (context.generation() > 0 && !stats.problem.empty() && stats.problem != problem_) {
    spdlog::warn("tls: {}; what was read before stays in use", stats.problem);
  }
  const bool expired = stats.own_certificate_expires_s.value_or(now.wall_ms / 1'000 + 1) * 1'000 <= now.wall_ms;
  if (expired && !(expired_ && generation_ == context.generation())) {
    spdlog::warn("tls: our certificate in {} expired on {}", context.options().certificate_file,
                 time_text(*stats.own_certificate_expires_s * 1'000));
  }
  expired_ = expired;
  generation_ = context.generation();
  problem_ = stats.problem;
}

}  // namespace ofe
