// What became of the state file found at the start.
#include "ovs-plugin/exporter/commands.h"
#include "ovs-plugin/exporter/exporter.h"

namespace ofe {

Json state_file_status(Exporter& exporter) {
  const StateFileStats& file = exporter.state_file().stats();
  const flowstore::Stats& store = exporter.state().store.stats();
  const ResumedRecords& records = exporter.exporting().resumed();
  return {{"path", exporter.state().settings.state_file},
          {"loaded", file.read},
          {"ignoredReason", file.problem},
          {"written", time_text(file.written_wall_ms)},
          {"writtenBy", file.written_by},
          {"readMs", file.read_ms},
          {"flows", file.flows},
          {"resumed", store.resumed},
          {"notSeenAgainYet", store.resumed_unseen},
          {"endedMeanwhile", store.resumed_gone},
          {"refused", store.resume_refused},
          {"unsentRecords", file.records},
          {"unsentRecordsWaiting", records.size()},
          {"unsentRecordsOfOtherTemplates", records.of_other_templates()}};
}

}  // namespace ofe
