#include "k8s-bridge/watcher/object_store.h"

#include <google/protobuf/util/message_differencer.h>

#include <utility>
#include <vector>

namespace ofe::watcher {

namespace v1 = metadata::v1;

namespace {

const google::protobuf::Message& message_of(const Object& object) {
  return std::visit([](const auto& message) -> const google::protobuf::Message& { return message; }, object);
}

}  // namespace

std::size_t ObjectStore::total() const {
  std::size_t total = 0;
  for (const Table& table : tables_) total += table.size();
  return total;
}

std::size_t ObjectStore::size(Kind kind) const {
  std::size_t removed = 0;
  for (const auto& [version, entry] : removals_) removed += kind_of(entry->object) == kind ? 1 : 0;
  return tables_[static_cast<std::size_t>(kind)].size() - removed;
}

bool ObjectStore::contains(Kind kind, const std::string& key) const {
  const Table& objects = tables_[static_cast<std::size_t>(kind)];
  const auto found = objects.find(key);
  return found != objects.end() && !found->second->removed;
}

void ObjectStore::touch(Entry& entry, std::int64_t wall_ms) {
  if (entry.version != 0) by_version_.erase(entry.version);
  entry.version = ++version_;
  by_version_.emplace(entry.version, &entry);
  last_change_wall_ms_ = wall_ms;
  ++stats_.changes;
}

bool ObjectStore::put(Object object, std::int64_t wall_ms) {
  if (message_of(object).ByteSizeLong() > limits_.max_object_octets) {
    ++stats_.too_large;
    return false;
  }
  std::string key = key_of(object);
  Table& objects = table(kind_of(object));
  auto found = objects.find(key);
  if (found == objects.end()) {
    if (total() >= limits_.max_objects) {
      ++stats_.over_limit;
      return false;
    }
    found = objects.emplace(key, std::make_unique<Entry>()).first;
    found->second->key = std::move(key);
    found->second->object = std::move(object);
    touch(*found->second, wall_ms);
    return true;
  }
  Entry& entry = *found->second;
  if (!entry.removed &&
      google::protobuf::util::MessageDifferencer::Equals(message_of(entry.object), message_of(object))) {
    ++stats_.unchanged;
    return false;
  }
  if (entry.removed) removals_.erase(entry.version);
  entry.removed = false;
  if (const auto* pod = std::get_if<v1::Pod>(&entry.object)) {
    // Kept over further changes in place, until it moves again.
    if (pod->node_name() != std::get<v1::Pod>(object).node_name()) entry.previous_node = pod->node_name();
  }
  entry.object = std::move(object);
  touch(entry, wall_ms);
  return true;
}

bool ObjectStore::remove(Kind kind, const std::string& key, std::int64_t wall_ms) {
  Table& objects = table(kind);
  const auto found = objects.find(key);
  if (found == objects.end() || found->second->removed) return false;
  Entry& entry = *found->second;
  entry.removed = true;
  touch(entry, wall_ms);
  removals_.emplace(entry.version, &entry);
  if (removals_.size() > limits_.max_removals) {
    complete_since_ = removals_.begin()->first;
    erase_removed(*removals_.begin()->second);
    ++stats_.removals_dropped;
  }
  return true;
}

void ObjectStore::retain(Kind kind, const absl::flat_hash_set<std::string>& keys, std::int64_t wall_ms) {
  std::vector<std::string> gone;
  for (const auto& [key, entry] : table(kind)) {
    if (!entry->removed && !keys.contains(key)) gone.push_back(key);
  }
  for (const std::string& key : gone) remove(kind, key, wall_ms);
}

const ObjectStore::Entry* ObjectStore::next_after(std::uint64_t version) const {
  const auto found = by_version_.upper_bound(version);
  return found == by_version_.end() ? nullptr : found->second;
}

void ObjectStore::forget_removals(std::uint64_t version) {
  while (!removals_.empty() && removals_.begin()->first <= version) {
    complete_since_ = removals_.begin()->first;
    erase_removed(*removals_.begin()->second);
  }
}

void ObjectStore::erase_removed(Entry& entry) {
  by_version_.erase(entry.version);
  removals_.erase(entry.version);
  const std::string key = entry.key;  // erase() must not be given a reference into what it destroys
  table(kind_of(entry.object)).erase(key);
}

}  // namespace ofe::watcher
