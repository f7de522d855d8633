// How often ovs-vswitchd may be asked: over any longer time our questions take at most a given share of its time.
//
// ovs-vswitchd answers on its main thread, which does nothing else meanwhile: no OpenFlow, no OVSDB, and without PMD
// threads no forwarding. A question that cost C ms is therefore followed by a pause, so that C is the share of both
// together: C / share from the moment it was asked. Paid question by question, so that a poll of several long answers
// is spread, too. Questions that cost next to nothing share an allowance and need not wait for each other.
//
// Stalls. A share of 5 % in pieces of a quarter of a second is a delay for 5 % of the packets that the main thread
// forwards: their 99th percentile is then that quarter of a second. Questions expected to be long therefore have a
// share of their own, a sixth of the whole one (0.8 % of 5 %), and wait for it; short ones go on meanwhile.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace ofe {

// Monotonic milliseconds.
struct QuestionTimes {
  std::int64_t asked_ms = 0;
  std::int64_t first_octet_ms = -1;  // of the answer; -1: none yet
  std::int64_t ended_ms = 0;         // the last octet, or when it was given up
};
// What a question cost ovs-vswitchd at the most, at least 1 ms (the clock's unit).
//
// Its main thread makes the whole answer before it sends the first octet, so the time up to that octet bounds the work
// from above, the wait for its loop and for a processor included. It needs no view of its processes, as their own
// accounting in /proc does (exporter and ovs-vswitchd run in containers with PID namespaces of their own). Against that
// accounting, 100,000 connections: 239, 216 and 261 ms to the first octet, 239, 214 and 253 ms of processor time.
// Sending the answer took 2 to 5 % of that again, and an eighth is charged; how long we take to read it is our own
// matter.
std::int64_t question_cost_ms(const QuestionTimes& times);

// Time is monotonic milliseconds.
class QuestionBudget {
 public:
  // ovs-vswitchd's time that may be spent without a pause, beyond the share.
  static constexpr std::int64_t allowance_ms = 20;

  // A question that takes longer is a stall: tens of times what forwarding by the main thread takes at the worst.
  static constexpr std::int64_t stall_ms = 10;
  static constexpr unsigned stall_divisor = 6;

  explicit QuestionBudget(unsigned share_percent = 5) : share_percent_(share_percent) {}
  // 1 to 100. What is owed stays owed, and is paid at the new rate.
  void set_share_percent(unsigned percent, std::int64_t now_ms);
  unsigned share_percent() const { return share_percent_; }

  // The next question may be asked from this time on; in the past: at once.
  std::int64_t earliest_ms() const;
  // The same for a question that is expected to cost so much.
  std::int64_t earliest_ms(std::int64_t expected_cost_ms) const;
  // What is charged as a stall is charged as a cost as well; nothing when it was none.
  void charge_stall(std::int64_t asked_ms, std::int64_t cost_ms);
  void charge(std::int64_t asked_ms, std::int64_t cost_ms, std::int64_t now_ms);

  // One question at a time, whoever asks it.
  void begin_question() { under_way_ = true; }
  void end_question() { under_way_ = false; }
  bool question_under_way() const { return under_way_; }

  // Percent of the last minute and of the time since the first question. A question that costs more than the share of a
  // minute shows there as what it is: its pause is longer than the minute.
  double last_minute_percent(std::int64_t now_ms) const;
  double measured_percent(std::int64_t now_ms) const;
  std::uint64_t questions() const { return questions_; }
  std::int64_t last_cost_ms() const { return last_cost_ms_; }

 private:
  static constexpr std::int64_t window_s = 60;
  struct Second {
    std::int64_t number = -1;  // monotonic seconds
    std::int64_t cost_ms = 0;
  };

  std::int64_t paid_in_ms(std::int64_t cost_ms) const;

  unsigned share_percent_;
  bool under_way_ = false;
  std::int64_t paid_at_ms_ = INT64_MIN / 2;  // monotonic; from then on nothing is owed
  std::int64_t stalls_paid_at_ms_ = INT64_MIN / 2;
  std::int64_t first_asked_ms_ = 0;
  std::uint64_t questions_ = 0;
  std::int64_t total_cost_ms_ = 0, last_cost_ms_ = 0;
  std::array<Second, window_s> seconds_;
};

}  // namespace ofe
