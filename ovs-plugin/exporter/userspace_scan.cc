#include "ovs-plugin/exporter/userspace_scan.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <vector>

#include "ovs-plugin/exporter/bounded_cost.h"
#include "ovs-plugin/exporter/entry_counts.h"
#include "ovs-plugin/ovs/ovs.h"

namespace ofe {
namespace {

constexpr const char* datapath_name = "netdev@ovs-netdev";
constexpr std::size_t longest_count_text = 64u << 10;

// Of an IPv4 connection without labels, and of a megaflow under ordinary rules. Short on purpose: what is thought too
// long is never asked for, and nothing would be learnt.
constexpr double octets_per_connection = 150, octets_per_megaflow = 450;

}  // namespace

UserspaceScan::UserspaceScan(State& state, QuestionBudget& budget, const std::string& rundir)
    : state_(state),
      budget_(budget),
      client_(rundir),
      connections_forecast_(octets_per_connection),
      megaflows_forecast_(octets_per_megaflow) {}

bool UserspaceScan::prepare(flowstore::Now) {
  poll_delayed_ = false;
  // A long one that is not watched any more must not keep polls waiting.
  std::erase_if(zone_entries_, [this](const auto& zone) {
    return std::ranges::find(state_.settings.zones, zone.first) == state_.settings.zones.end();
  });
  if (!client_.connect()) return false;  // start() says so
  ask_next(Question::count_megaflows);
  return true;
}

bool UserspaceScan::start(std::span<const std::uint16_t> zones, flowstore::Now) {
  zone_ = zones.front();
  if (!client_.connect()) {
    error_ = client_.stats().last_error;
    return false;
  }
  ask_next(Question::count_connections);
  return true;
}

ZoneScan::Progress UserspaceScan::ask_next(Question question) {
  question_ = question;
  stage_ = Stage::due;
  return Progress::more;
}

std::vector<std::string> UserspaceScan::words() const {
  const std::string zone = "zone=" + std::to_string(zone_);
  switch (question_) {
    case Question::count_megaflows:
      return {"upcall/show"};
    case Question::megaflows:
      return {"dpctl/dump-flows", "-m", datapath_name};
    case Question::count_connections:
      return {"dpctl/ct-get-nconns", datapath_name};
    case Question::count_zone:
      return {"dpctl/ct-stats-show", datapath_name, zone};
    default:
      return {"dpctl/dump-conntrack", "-m", "-s", datapath_name, zone};
  }
}

// A poll begins when the longest dump in it can follow at once, so that megaflows and connections are of one time. A
// zone that was never read is asked for, and known from then on.
std::int64_t UserspaceScan::expected_cost_ms() const {
  if (question_ == Question::connections) {
    const auto zone = zone_entries_.find(zone_);
    return zone == zone_entries_.end() ? 0 : connections_forecast_.cost_ms(zone->second);
  }
  std::int64_t cost_ms = question_ == Question::megaflows ? megaflows_forecast_.cost_ms(entries_) : 0;
  if (question_ == Question::count_megaflows) {
    for (const auto& [zone, entries] : zone_entries_) {
      cost_ms = std::max(cost_ms, connections_forecast_.cost_ms(entries));
    }
  }
  return cost_ms;
}

ZoneScan::Progress UserspaceScan::ask(flowstore::Now now) {
  budget_.set_share_percent(state_.settings.vswitchd_share_percent, now.monotonic_ms);
  if (now.monotonic_ms < earliest_ms()) {
    if (!poll_delayed_) ++stats_.polls_delayed;
    poll_delayed_ = true;
    return Progress::waiting;
  }
  if (budget_.question_under_way()) return Progress::waiting;
  if (question_ == Question::count_megaflows) {
    if (stats_.polls_begun++ != 0) stats_.poll_interval_ms = now.monotonic_ms - poll_asked_ms_;
    poll_asked_ms_ = now.monotonic_ms;
  }
  if (question_ == Question::megaflows) megaflows_.begin(state_, now);
  lines_ = 0;
  count_text_.clear();
  if (!client_.call(words(), now)) return failed();
  budget_.begin_question();
  stage_ = Stage::asked;
  return Progress::waiting;
}

ZoneScan::Progress UserspaceScan::step(flowstore::Now now) {
  last_step_ms_ = now.monotonic_ms;
  switch (stage_) {
    case Stage::due:
      return ask(now);
    case Stage::asked:
      return read(now);
    case Stage::settling:
      if (megaflows_.settle(state_, now)) return Progress::more;
      break;
    case Stage::idle:
      break;
  }
  stage_ = Stage::idle;
  return Progress::complete;
}

// The time to an answer is also that of an ovs-vswitchd that was away, or of this process standing still meanwhile: a
// minute of it would be followed by twenty of pause. More than two seconds are believed of many entries only, and of a
// question that was not answered what so many entries cost, as far as they were counted before it.
std::int64_t UserspaceScan::cost_of_answer_ms() const {
  constexpr std::int64_t believed_ms = 2'000;
  const QuestionTimes& times = client_.times();
  const std::int64_t of_entries_ms = bounded_cost_ms(times, std::max(entries_, lines_));
  if (times.first_octet_ms < 0 && (!asks_for_dump() || entries_ != 0)) return of_entries_ms;
  return std::min(question_cost_ms(times), std::max(of_entries_ms, believed_ms));
}

// Of dumps only: the other questions are short. At most twice what the last answer of as many entries took.
std::int64_t UserspaceScan::stall_of_answer_ms() const {
  if (!asks_for_dump()) return 0;
  const std::uint64_t entries = std::max(entries_, lines_);
  const std::int64_t known_ms = forecast().cost_ms(entries), bounded_ms = bounded_cost_ms(client_.times(), entries);
  return known_ms > 0 ? std::min(bounded_ms, 2 * known_ms) : bounded_ms;
}

ZoneScan::Progress UserspaceScan::read(flowstore::Now now) {
  const VswitchdClient::Progress progress = client_.run(now);
  take_lines(client_.lines(), now);
  if (progress == VswitchdClient::Progress::pending) return Progress::waiting;
  const std::int64_t cost_ms = cost_of_answer_ms();
  budget_.end_question();
  budget_.charge(client_.times().asked_ms, cost_ms, now.monotonic_ms);
  budget_.charge_stall(client_.times().asked_ms, stall_of_answer_ms());
  if (cost_ms > stats_.longest_question_ms) {
    stats_.longest_question_ms = cost_ms;
    stats_.longest_question = client_.question();
  }
  return progress == VswitchdClient::Progress::answered ? answered(cost_ms) : failed();
}

void UserspaceScan::take_lines(std::string_view lines, flowstore::Now now) {
  lines_ += static_cast<std::uint64_t>(std::ranges::count(lines, '\n'));
  if (question_ == Question::megaflows) return megaflows_.add(state_, lines, now);
  if (question_ != Question::connections) {
    count_text_.append(lines.substr(0, longest_count_text - count_text_.size()));
    return;
  }
  const std::uint64_t unreadable = text_stats_.unreadable;
  conntrack::DumpTextReader reader(lines);
  reader.step(lines.size(), text_stats_, [&](const flowstore::Observation& seen) { batch_.add(seen); });
  batch_.flush(state_, now);
  if (unreadable == 0 && text_stats_.unreadable != 0) {
    spdlog::warn("dpctl/dump-conntrack: a line could not be read, counted from now on: {}",
                 text_stats_.last_unreadable);
  }
}

ZoneScan::Progress UserspaceScan::answered(std::int64_t cost_ms) {
  switch (question_) {
    case Question::count_megaflows:
      entries_ = megaflows_in(count_text_, datapath_name).value_or(0);
      return ask_unless_too_long(Question::megaflows);
    case Question::count_connections:  // of all zones: an upper bound for this one
      entries_ = connections_in(count_text_).value_or(0);
      return ask_next(too_long(connections_forecast_) ? Question::count_zone : Question::connections);
    case Question::count_zone:
      entries_ = zone_connections_in(count_text_).value_or(0);
      return ask_unless_too_long(Question::connections);
    case Question::megaflows:
      megaflows_forecast_.learn(lines_, client_.answer_octets(), cost_ms);
      stage_ = Stage::settling;
      return Progress::more;
    default:
      connections_forecast_.learn(lines_, client_.answer_octets(), cost_ms);
      zone_entries_[zone_] = lines_;
      stage_ = Stage::idle;
      return Progress::complete;
  }
}

// A number that this ovs-vswitchd does not tell stays unknown; the dump is asked for all the same.
ZoneScan::Progress UserspaceScan::failed() {
  entries_ = 0;
  const bool of_megaflows = question_ == Question::count_megaflows;
  if (client_.refused() && (of_megaflows || question_ == Question::count_connections)) {
    return ask_next(of_megaflows ? Question::megaflows : Question::connections);
  }
  error_ = client_.stats().last_error;
  stage_ = Stage::idle;
  return client_.refused() ? Progress::refused : Progress::failed;
}

bool UserspaceScan::too_long(const AnswerForecast& forecast) const {
  return forecast.octets(entries_) > state_.settings.vswitchd_max_answer_octets;
}

ZoneScan::Progress UserspaceScan::ask_unless_too_long(Question dump) {
  question_ = dump;
  if (!too_long(forecast())) return ask_next(dump);
  ++stats_.dumps_too_long;
  stats_.last_too_long = dump == Question::megaflows ? "datapath flows" : "zone " + std::to_string(zone_);
  stats_.last_too_long_entries = entries_;
  stats_.last_too_long_octets = forecast().octets(entries_);
  error_ = "not asked for: the answer would be longer than ovsFlowExporter.vswitchdMaxAnswerOctets, " +
           std::to_string(state_.settings.vswitchd_max_answer_octets);
  stage_ = Stage::idle;
  return Progress::refused;
}

void UserspaceScan::wait() const {
  if (stage_ == Stage::due && !budget_.question_under_way()) ofe_ovs_poll_timer_wait_until(earliest_ms());
  if (stage_ == Stage::asked) client_.wait();
}

// ovs-vswitchd goes on with what it was asked, whoever has left: what it is known to take is charged.
void UserspaceScan::abandon() {
  if (stage_ == Stage::asked) {
    const std::int64_t asked_ms = client_.times().asked_ms, known_ms = forecast().cost_ms(entries_);
    budget_.end_question();
    budget_.charge(asked_ms, std::max(last_step_ms_ - asked_ms + 1, known_ms), last_step_ms_);
    budget_.charge_stall(asked_ms, known_ms);
  }
  client_.abandon();
  stage_ = Stage::idle;
}

}  // namespace ofe
