// Questions to ovs-vswitchd over its control socket: one at a time, never blocking, the answer read as it arrives,
// reconnected when ovs-vswitchd restarts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "flowstore/flow.h"
#include "ovs-plugin/exporter/question_budget.h"
#include "ovs-plugin/exporter/unixctl_answer.h"

namespace ofe {

struct VswitchdStats {
  std::string socket;      // in use, "" while there is none
  std::string last_error;  // "" after an answer
  std::uint64_t calls = 0, answers = 0, refused = 0, broken = 0, timeouts = 0;
  std::uint64_t octets = 0;  // of answers
};

class VswitchdClient {
 public:
  // rundir: where ovs-vswitchd's socket is looked for. silence_ms: when nothing arrives for so long the question is
  // given up and the connection closed.
  explicit VswitchdClient(std::string rundir, std::int64_t silence_ms = 30'000)
      : rundir_(std::move(rundir)), silence_ms_(silence_ms) {}
  ~VswitchdClient() { abandon(); }
  VswitchdClient(const VswitchdClient&) = delete;
  VswitchdClient& operator=(const VswitchdClient&) = delete;

  // False: nobody to ask (stats().last_error); the caller tries again at its next poll.
  bool connect();
  // A command and its arguments. False: it could not be asked (stats().last_error).
  bool call(const std::vector<std::string>& words, flowstore::Now now);

  // Reads what has arrived, a bounded amount per call (256 KiB).
  enum class Progress : std::uint8_t { idle, pending, answered, failed };
  Progress run(flowstore::Now now);
  void wait() const;
  // The lines of the answer that the last run() completed, pending or answered; valid until the next run().
  std::string_view lines() const { return std::string_view(text_).substr(0, whole_); }
  // Failed, but only this command: ovs-vswitchd goes on answering.
  bool refused() const { return progress_ == Progress::failed && fd_ >= 0; }
  const std::string& question() const { return question_; }  // in words, with blanks between them
  // Of the question under way or the last one; its end is that of the last run().
  const QuestionTimes& times() const { return times_; }
  std::uint64_t answer_octets() const { return octets_; }

  // Drops a question under way and its connection.
  void abandon();
  const VswitchdStats& stats() const { return stats_; }

 private:
  int send(const std::string& request);
  Progress read(flowstore::Now now);
  Progress take(std::string_view octets, flowstore::Now now);
  Progress fail(std::string reason);

  const std::string rundir_;
  const std::int64_t silence_ms_;
  int fd_ = -1;
  Progress progress_ = Progress::idle;
  std::int64_t deadline_ms_ = 0;
  std::uint64_t last_id_ = 0;
  std::string question_;
  UnixctlAnswer answer_;
  std::string text_;       // decoded: whole lines, then the beginning of one
  std::size_t whole_ = 0;  // octets of text_ that are whole lines
  std::uint64_t octets_ = 0;
  QuestionTimes times_;
  std::vector<char> octets_read_;
  VswitchdStats stats_;
};

}  // namespace ofe
