// core/v1 Pod: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/
#include "k8s-bridge/watcher/convert.h"

namespace ofe::watcher {

namespace v1 = metadata::v1;

namespace {

v1::Pod::Phase phase_from(std::string_view text) {
  if (text == "Pending") return v1::Pod::PENDING;
  if (text == "Running") return v1::Pod::RUNNING;
  if (text == "Succeeded") return v1::Pod::SUCCEEDED;
  if (text == "Failed") return v1::Pod::FAILED;
  return v1::Pod::PHASE_UNKNOWN;  // "Unknown", none yet, or one invented after this was written
}

}  // namespace

void pod_from(const Fields& root, v1::Pod& pod) {
  Identity identity = identity_from(root, true);
  pod.set_namespace_(std::move(identity.object_namespace));
  pod.set_name(std::move(identity.name));
  pod.set_uid(std::move(identity.uid));

  const Fields metadata = root.object("metadata");
  const Fields spec = root.object("spec");
  const Fields status = root.object("status");
  pod.set_node_name(std::string(spec.text("nodeName")));
  pod.set_host_network(spec.flag("hostNetwork"));
  pod.set_phase(phase_from(status.text("phase")));
  // podIPs repeats podIP as its first; servers before 1.20 and files written by hand may have podIP alone.
  status.each_object("podIPs", [&](const Fields& item) { item.add_address("ip", *pod.mutable_ips()); });
  if (pod.ips().empty()) status.add_address("podIP", *pod.mutable_ips());

  const std::int64_t created = metadata.time_ms("creationTimestamp");
  const std::int64_t started = status.time_ms("startTime");
  pod.set_start_wall_ms(started != 0 ? started : created);
  pod.set_deleted_wall_ms(metadata.time_ms("deletionTimestamp"));
}

}  // namespace ofe::watcher
