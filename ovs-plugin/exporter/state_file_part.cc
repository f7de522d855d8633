#include "ovs-plugin/exporter/state_file_part.h"

#include <spdlog/spdlog.h>

#include "absl/container/flat_hash_set.h"
#include "ovs-plugin/state_file/files.h"
#include "ovs-plugin/state_file/reader.h"
#include "ovs-plugin/state_file/writer.h"

namespace ofe {
namespace {

// The contents of a file on their way to where they belong.
class Resumption : public state_file::Receiver {
 public:
  Resumption(State& state, ExportPart& exporting, flowstore::Now now)
      : state_(state), exporting_(exporting), now_(now) {}
  ~Resumption() override {
    for (const flowstore::NameHandle handle : handles_) state_.names.release(handle);
  }

  void take_template(const ipfix::Template& definition) override { exporting_.resumed().add_template(definition); }
  void take_record(std::string_view collector, std::uint16_t template_id, state_file::Octets record) override {
    exporting_.resumed().add(collector, template_id, record);
  }
  void take_flow(const flowstore::Baseline& baseline, std::uint32_t names_number, const record::Names& names) override {
    flowstore::Baseline named = baseline;
    named.flow.names = acquire(names_number, names);
    if (!state_.store.resume(named, now_)) state_.names.release(named.flow.names);
    zones_.insert(baseline.flow.zone);
  }
  void take_births(const flowstore::Births& births) override { state_.store.resume_births(births); }

  std::vector<std::uint16_t> zones() const { return {zones_.begin(), zones_.end()}; }

 private:
  // Acquired by value once, which keeps them till the end, and then by their handle: a tenth of the time.
  flowstore::NameHandle acquire(std::uint32_t number, const record::Names& names) {
    if (number >= handles_.size()) handles_.resize(number + std::size_t{1}, 0);
    if (handles_[number] == 0) handles_[number] = state_.names.acquire(names);
    return state_.names.acquire(handles_[number]);
  }

  State& state_;
  ExportPart& exporting_;
  const flowstore::Now now_;
  std::vector<flowstore::NameHandle> handles_;  // by the names' number in the file
  absl::flat_hash_set<std::uint16_t> zones_;
};

}  // namespace

void StateFilePart::read(flowstore::Now now) {
  path_ = state_.settings.state_file;
  if (path_.empty()) return;
  take_over(path_, now);
  if (!stats_.problem.empty())
    spdlog::warn("state file {} {}: {}", path_, stats_.problem,
                 stats_.read ? "the rest of it is not used" : "not used");
}

void StateFilePart::take_over(const std::string& path, flowstore::Now now) {
  const state_file::TakenFile file(path);
  if (file.absent()) return;
  stats_.problem = file.problem();
  if (!stats_.problem.empty()) return;
  const state_file::Check found = state_file::check(file.octets());
  stats_.problem = found.problem;
  if (!stats_.problem.empty()) return;
  stats_.written_wall_ms = found.origin.written_wall_ms;
  stats_.written_by = found.origin.program_version;
  stats_.flows = found.flows;
  stats_.records = found.records;
  const auto here = state_file::origin_here(now.wall_ms, stats_.problem);
  if (here) stats_.problem = state_file::foreignness(found.origin, *here);
  if (!stats_.problem.empty()) return;

  Resumption resumption(state_, exporting_, now);
  stats_.read = true;
  stats_.problem = state_file::read(file.octets(), resumption);
  zones_ = resumption.zones();
  const flowstore::Stats& store = state_.store.stats();
  spdlog::info("state file {}: {} flows and {} unsent records of {} taken over", path, store.resumed, stats_.records,
               stats_.written_by);
  if (store.resume_refused != 0) {
    spdlog::warn(
        "state file {}: {} flows did not fit into the store (ovsFlowExporter.maxFlows is {}): what they count "
        "until they are seen again is left out",
        path, store.resume_refused, state_.settings.max_flows);
  }
}

void StateFilePart::run(flowstore::Now) {
  if (path_ == state_.settings.state_file) return;
  path_ = state_.settings.state_file;
  if (path_.empty()) return;
  const state_file::TakenFile old(path_);
  if (old.problem().empty()) {
    spdlog::info("state file {}: removed, it is of a process before this one", path_);
  } else if (!old.absent()) {
    spdlog::warn("state file {} {}", path_, old.problem());
  }
}

void StateFilePart::write(flowstore::Now now) {
  if (path_.empty()) return;
  std::string problem;
  const auto here = state_file::origin_here(now.wall_ms, problem);
  if (!here) return spdlog::error("state file {} is not written: {}", path_, problem);
  state_file::ReplacedFile file(path_);
  state_file::Writer out(*here, [&file](std::string_view octets) { return file.write(octets); });
  for (const ipfix::Template& definition : state_.layout.templates()) out.add_template(definition);
  exporting_.for_each_unsent([&out](std::string_view collector, std::uint16_t id, state_file::Octets record) {
    out.add_record(collector, id, record);
  });
  state_.store.for_each_baseline([&](const flowstore::Baseline& left) {
    // What is known of a flow that has ended is known now: the next process may have nobody to ask.
    if (left.flow.ended && !exporting_.is_wanted(left.flow)) return true;
    flowstore::Baseline named = left;
    if (left.flow.ended) {
      state_.names.acquire(left.flow.names);  // the store keeps its own
      state_.name(named.flow);
    }
    out.add_flow(named, state_.names.get(named.flow.names));
    return true;
  });
  out.add_births(state_.store.births());
  if (!out.finish() || !file.put_in_place()) {
    return spdlog::error("state file {} is not written: {}; the next start counts from what it sees first", path_,
                         file.error());
  }
  spdlog::info("state file {}: {} flows and {} unsent records in {} octets", path_, out.flows(), out.records(),
               file.octets());
}

}  // namespace ofe
