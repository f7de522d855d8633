// Settings of connection tracking in this network namespace: /proc/sys/net/netfilter
// (Documentation/networking/nf_conntrack-sysctl.rst).
#pragma once

#include <string>

#include "ovs-plugin/conntrack/dump_plan.h"

namespace ofe::conntrack {

// net.netfilter.nf_conntrack_acct and _timestamp of this network namespace. Both are needed for what kernel entries
// count and when they began; a new namespace starts with both off.
struct AccountingSysctls {
  bool accounting = false, timestamps = false;  // as they are now
  std::string problem;  // "": both on. Else a sentence: what could not be set, why, and what the effect is
};
// Turns both on where they are off. proc_root is "/proc" (tests pass another).
AccountingSysctls enable_accounting(const std::string& proc_root = "/proc");

// nf_conntrack_count and _buckets; 0 where they cannot be read.
TableSize table_size(const std::string& proc_root = "/proc");

// net.netfilter.nf_conntrack_events at 1 for as long as this object lives, then what it was. With 2, the default, an
// entry made while nobody listened never sends its DESTROY event.
class EventsSysctl {
 public:
  explicit EventsSysctl(const std::string& proc_root = "/proc");
  ~EventsSysctl();
  EventsSysctl(const EventsSysctl&) = delete;
  EventsSysctl& operator=(const EventsSysctl&) = delete;
  const std::string& problem() const { return problem_; }  // "": it is 1
  bool changed() const { return before_ != '\0'; }

 private:
  std::string path_;
  char before_ = '\0';  // what to put back
  std::string problem_;
};

}  // namespace ofe::conntrack
