#include "ovs-plugin/exporter/collectors.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cctype>
#include <limits>
#include <utility>

#include "ovs-plugin/ovs/ovs.h"

namespace ofe {
namespace {

constexpr std::int64_t retirement_ms = 5'000;

// A spool's folder is flowCollectorAddr's, whatever that says: what waits there goes to the collector of the day. Those
// of further collectors are named after them.
std::string folder_name(const config::Collector& collector, bool is_first) {
  if (is_first) return "flowCollectorAddr";
  std::string name = to_string(collector);
  std::ranges::replace_if(
      name, [](unsigned char c) { return std::isalnum(c) == 0 && c != '.' && c != '-'; }, '_');
  return name;
}

}  // namespace

std::vector<CollectorExport::Wanted> Collectors::wanted(std::uint32_t observation_domain) const {
  const config::Config& settings = state_.settings;
  if (!settings.enabled) return {};
  std::vector<CollectorExport::Wanted> all;
  const std::vector<config::Collector> collectors = settings.all_collectors();
  for (const config::Collector& collector : collectors) {
    CollectorExport::Wanted& one = all.emplace_back(CollectorExport::Wanted{collector, observation_domain, "", 0});
    if (settings.spool.path.empty()) continue;
    one.spool_folder = settings.spool.path + "/" + folder_name(collector, collector == settings.collector);
    one.spool_octets = settings.spool.max_octets / collectors.size();
  }
  return all;
}

void Collectors::follow_settings(std::uint32_t observation_domain, flowstore::Now now) {
  std::vector<std::unique_ptr<CollectorExport>> before = std::exchange(collectors_, {});
  const std::vector<CollectorExport::Wanted> now_wanted = wanted(observation_domain);
  for (const CollectorExport::Wanted& one : now_wanted) {
    const std::string settings = CollectorExport::made_for(state_.settings, one);
    const auto same = std::ranges::find_if(
        before, [&](const auto& collector) { return collector && collector->made_for() == settings; });
    collectors_.push_back(same == before.end() ? nullptr : std::move(*same));
  }
  // First those that go, so that a spool is free for the next.
  for (std::unique_ptr<CollectorExport>& collector : before) {
    if (!collector) continue;
    report_left(*collector, now_wanted);
    retire(std::move(collector), now);
  }
  for (std::size_t i = 0; i < collectors_.size(); ++i) {
    if (!collectors_[i]) collectors_[i] = std::make_unique<CollectorExport>(state_, now_wanted[i], now);
  }
}

// Records that wait in a folder that no collector has any more.
void Collectors::report_left(const CollectorExport& gone, std::span<const CollectorExport::Wanted> now_wanted) {
  const std::uint64_t waiting = gone.process().stats().spool.waiting_octets;
  if (waiting == 0 || std::ranges::count(now_wanted, gone.spool_folder(), &CollectorExport::Wanted::spool_folder) != 0)
    return;
  spdlog::warn(
      "collector {} is not set any more: records of {} octets wait in {}, until it is set again or the "
      "folder is removed",
      gone.name(), waiting, gone.spool_folder());
}

void Collectors::retire(std::unique_ptr<CollectorExport> collector, flowstore::Now now) {
  if (collector->has_spool()) return;  // which keeps what was not sent
  collector->process().finish(to_ipfix(now));
  retiring_.push_back({std::move(collector), now.monotonic_ms + retirement_ms});
}

void Collectors::run(flowstore::Now now) {
  for (const auto& collector : collectors_) collector->run(now);
  for (Retiring& one : retiring_) one.collector->run(now);
  std::erase_if(retiring_, [&](const Retiring& one) {
    return one.collector->process().drained() || now.monotonic_ms >= one.until_ms;
  });
}

void Collectors::wait() const {
  for (const auto& collector : collectors_) collector->wait();
  for (const Retiring& one : retiring_) {
    one.collector->wait();
    ofe_ovs_poll_timer_wait_until(one.until_ms);
  }
}

bool Collectors::can_accept(std::size_t record_octets) const {
  return empty() || std::ranges::any_of(collectors_, [&](const auto& collector) {
           return collector->process().can_accept(record_octets);
         });
}

bool Collectors::export_record(std::uint16_t template_id, std::span<const std::uint8_t> record, flowstore::Now now) {
  if (collectors_.size() == 1) {
    return collectors_.front()->process().export_record(template_id, record, to_ipfix(now));
  }
  if (!can_accept(record.size())) return false;
  for (const auto& collector : collectors_) {
    if (!collector->process().export_record(template_id, record, to_ipfix(now))) {
      collector->process().lose(template_id, record, to_ipfix(now));
    }
  }
  return true;
}

std::span<std::uint8_t> Collectors::room(std::uint16_t template_id) {
  if (empty()) return {};
  return collectors_.front()->process().room(template_id, record::max_record_octets);
}

bool Collectors::export_record_to(std::string_view name, std::uint16_t template_id,
                                  std::span<const std::uint8_t> record, flowstore::Now now) {
  const auto named = std::ranges::find_if(collectors_, [&](const auto& one) { return one->name() == name; });
  if (named == collectors_.end()) return export_record(template_id, record, now);
  return (*named)->process().export_record(template_id, record, to_ipfix(now));
}

void Collectors::lose(std::uint64_t records, std::uint64_t packets, std::uint64_t octets, flowstore::Now now) {
  constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
  for (const auto& collector : collectors_) {
    collector->process().lose(static_cast<std::uint32_t>(std::min(records, most)), packets, octets, to_ipfix(now));
  }
}

void Collectors::finish(flowstore::Now now) {
  for (const auto& collector : collectors_) collector->process().finish(to_ipfix(now));
}

bool Collectors::drained() const {
  return std::ranges::all_of(collectors_, [](const auto& collector) { return collector->process().drained(); });
}

void Collectors::for_each_unsent(const Visit& visit) {
  const bool one_only = collectors_.size() + retiring_.size() <= 1;
  const auto visit_all = [&](CollectorExport& collector) {
    if (!(collector.layout() == state_.layout)) return;
    const std::string_view name = one_only ? std::string_view() : std::string_view(collector.name());
    collector.process().for_each_unsent(
        [&](std::uint16_t id, std::span<const std::uint8_t> record) { visit(name, id, record); });
  };
  for (Retiring& one : retiring_) visit_all(*one.collector);
  for (const auto& collector : collectors_) visit_all(*collector);
}

}  // namespace ofe
