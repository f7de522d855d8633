#include "k8s-bridge/watcher/exporter_feed.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "proto/frame.h"

namespace ofe::watcher {

namespace v1 = metadata::v1;

namespace {

// A frame with text that is not UTF-8 is refused as a whole (proto3); what a server or proxy answered may be anything.
std::string as_utf8(std::string text) {
  const auto is_ascii = [](char octet) { return static_cast<unsigned char>(octet) < 0x80; };
  if (!simdjson::validate_utf8(text)) std::ranges::replace_if(text, std::not_fn(is_ascii), '?');
  return text;
}

constexpr std::size_t frame_overhead_octets = 64;  // the messages around the objects
constexpr std::size_t object_overhead_octets = 8;  // tag and length of one object

std::size_t octets_of(const Object& object) {
  return std::visit([](const auto& message) { return message.ByteSizeLong(); }, object);
}

void add_object(const Object& object, v1::Update& update) {
  switch (kind_of(object)) {
    case Kind::pod:
      *update.add_pods() = std::get<v1::Pod>(object);
      break;
    case Kind::service:
      *update.add_services() = std::get<v1::Service>(object);
      break;
    case Kind::node:
      *update.add_nodes() = std::get<v1::Node>(object);
      break;
  }
}

void add_removal(const Object& object, v1::Update& update) {
  v1::Removal& removal = *update.add_removals();
  if (const auto* pod = std::get_if<v1::Pod>(&object)) {
    removal.set_kind(v1::Removal::POD);
    removal.set_namespace_(pod->namespace_());
    removal.set_name(pod->name());
    removal.set_uid(pod->uid());
  } else if (const auto* service = std::get_if<v1::Service>(&object)) {
    removal.set_kind(v1::Removal::SERVICE);
    removal.set_namespace_(service->namespace_());
    removal.set_name(service->name());
  } else {
    removal.set_kind(v1::Removal::NODE);
    removal.set_name(std::get<v1::Node>(object).name());
  }
}

void set_watch(const KindWatchStats& stats, v1::BridgeCounters::Watch& watch) {
  watch.set_lists(stats.lists);
  watch.set_streamed_lists(stats.streamed_lists);
  watch.set_pages(stats.pages);
  watch.set_watches(stats.watches);
  watch.set_events(stats.events);
  watch.set_expired(stats.expired);
  watch.set_failures(stats.failures);
  watch.set_malformed(stats.malformed);
  watch.set_skipped(stats.skipped);
  watch.set_bookmarks(stats.bookmarks);
  watch.set_unknown_events(stats.unknown_events);
}

void set_counters(const BridgeCounts& counts, const StoreStats& store, v1::BridgeCounters& counters) {
  set_watch(counts.pods, *counters.mutable_pods());
  set_watch(counts.services, *counters.mutable_services());
  set_watch(counts.nodes, *counters.mutable_nodes());
  counters.set_objects_too_large(store.too_large);
  counters.set_objects_over_limit(store.over_limit);
  counters.set_removals_dropped(store.removals_dropped);
  counters.set_exporters(counts.exporters.connected);
  counters.set_exporters_accepted(counts.exporters.accepted);
  counters.set_exporters_refused(counts.exporters.refused);
  counters.set_exporters_strangers(counts.exporters.strangers);
  counters.set_exporters_resumed(counts.exporters.resumed);
  counters.set_exporters_malformed(counts.exporters.malformed);
  counters.set_exporters_dropped(counts.exporters.dropped);
}

}  // namespace

ExporterFeed::ExporterFeed(v1::Hello hello, const ObjectStore& store)
    : hello_(std::move(hello)),
      store_(store),
      resumes_(store.epoch() != 0 && hello_.epoch() == store.epoch() && hello_.version() >= store.complete_since() &&
               hello_.version() <= store.version()) {}

bool ExporterFeed::ready(const SourceState& state) const {
  return state.synced && (!cluster_scope() || !state.all_nodes_offered || state.pods_of_all_nodes);
}

bool ExporterFeed::in_scope(const ObjectStore::Entry& entry) const {
  const auto* pod = std::get_if<v1::Pod>(&entry.object);
  return pod == nullptr || cluster_scope() || pod->node_name() == hello_.node_name();
}

bool ExporterFeed::left_scope(const ObjectStore::Entry& entry) const {
  return !cluster_scope() && kind_of(entry.object) == Kind::pod && entry.previous_node == hello_.node_name();
}

bool ExporterFeed::fill(std::string& out, std::size_t out_octets, const SourceState& state, const Now& now) {
  append_status(out, state, now);
  if (phase_ == Phase::waiting) {
    if (!ready(state)) return false;
    begin(out);
  }
  while (out.size() < out_octets) {
    if (append_update(out)) continue;
    if (phase_ == Phase::following) {
      append_counters(out, state.counts, now);
      return false;
    }
    end_snapshot(out);
  }
  return true;
}

void ExporterFeed::begin(std::string& out) {
  v1::Frame frame;
  if (resumes_) {
    frame.mutable_resumed();
    phase_ = Phase::following;
    position_ = hello_.version();
  } else {
    frame.mutable_snapshot_begin();
    phase_ = Phase::snapshot;
    position_ = 0;
    snapshot_base_ = store_.version();
  }
  metadata::append_frame(frame, out);
}

// A snapshot says only what is there. What changed while it was sent is said again, now with removals.
void ExporterFeed::end_snapshot(std::string& out) {
  v1::Frame frame;
  frame.mutable_snapshot_end()->set_epoch(store_.epoch());
  frame.mutable_snapshot_end()->set_version(snapshot_base_);
  metadata::append_frame(frame, out);
  phase_ = Phase::following;
  position_ = snapshot_base_;
}

bool ExporterFeed::append_update(std::string& out) {
  v1::Frame frame;
  v1::Update& update = *frame.mutable_update();
  std::size_t octets = frame_overhead_octets;
  bool any = false;
  for (const auto* entry = store_.next_after(position_); entry != nullptr; entry = store_.next_after(position_)) {
    const std::size_t size = octets_of(entry->object) + object_overhead_octets;
    if (any && octets + size > max_update_octets) break;
    position_ = entry->version;
    if (!entry->removed && in_scope(*entry)) {
      add_object(entry->object, update);
    } else if (phase_ == Phase::following && (in_scope(*entry) || left_scope(*entry))) {
      add_removal(entry->object, update);
    } else {
      continue;
    }
    octets += size;
    any = true;
  }
  if (phase_ == Phase::following && store_.epoch() != 0) update.set_version(position_);
  if (!any || !metadata::append_frame(frame, out)) return false;
  ++frames_;
  return true;
}

std::string ExporterFeed::detail_for(const SourceState& state) const {
  std::string detail = state.detail;
  const char* separator = detail.empty() ? "" : "; ";
  if (state.pods_of_node.empty()) return detail;
  if (cluster_scope() && !state.all_nodes_offered) {
    detail += fmt::format("{}only Pods of Node {} are served: k8s-bridge runs without --remote-pods", separator,
                          state.pods_of_node);
  } else if (!cluster_scope() && hello_.node_name() != state.pods_of_node) {
    detail += fmt::format("{}Pods of Node {} are known, the exporter is on Node {}", separator, state.pods_of_node,
                          hello_.node_name());
  }
  return detail;
}

void ExporterFeed::append_status(std::string& out, const SourceState& state, const Now& now) {
  v1::SourceStatus status;
  status.set_synced(state.synced);
  status.set_detail(as_utf8(detail_for(state)));
  status.set_last_change_wall_ms(store_.last_change_wall_ms());
  status.set_stale_since_wall_ms(state.stale_since_wall_ms);
  if (status_sent_ && status_sent_->synced() == status.synced() && status_sent_->detail() == status.detail() &&
      status_sent_->stale_since_wall_ms() == status.stale_since_wall_ms()) {
    last_change_due_ = status_sent_->last_change_wall_ms() != status.last_change_wall_ms();
    if (!last_change_due_ || now.monotonic_ms < status_sent_ms_ + last_change_interval_ms) return;
  }
  v1::Frame frame;
  *frame.mutable_source_status() = status;
  if (!metadata::append_frame(frame, out)) return;
  status_sent_ = std::move(status);
  status_sent_ms_ = now.monotonic_ms;
  last_change_due_ = false;
}

void ExporterFeed::append_counters(std::string& out, const BridgeCounts& counts, const Now& now) {
  v1::Frame frame;
  set_counters(counts, store_.stats(), *frame.mutable_bridge_counters());
  std::string told = frame.SerializeAsString();
  counters_due_ = told != counters_sent_;
  const bool too_soon = !counters_sent_.empty() && now.monotonic_ms < counters_sent_ms_ + counters_interval_ms;
  if (!counters_due_ || too_soon || !metadata::append_frame(frame, out)) return;
  counters_sent_ = std::move(told);
  counters_sent_ms_ = now.monotonic_ms;
  counters_due_ = false;
}

std::optional<std::int64_t> ExporterFeed::next_deadline_ms() const {
  std::optional<std::int64_t> deadline;
  if (last_change_due_) deadline = status_sent_ms_ + last_change_interval_ms;
  if (counters_due_) {
    const std::int64_t due_ms = counters_sent_ms_ + counters_interval_ms;
    deadline = std::min(deadline.value_or(due_ms), due_ms);
  }
  return deadline;
}

std::optional<std::uint64_t> ExporterFeed::needs_removals_after() const {
  switch (phase_) {
    case Phase::waiting:
      return resumes_ ? std::optional(hello_.version()) : std::nullopt;
    case Phase::snapshot:
      return snapshot_base_;
    case Phase::following:
      return position_;
  }
  return std::nullopt;
}

bool ExporterFeed::lost() const {
  const auto needed = needs_removals_after();
  return needed && *needed < store_.complete_since();
}

}  // namespace ofe::watcher
