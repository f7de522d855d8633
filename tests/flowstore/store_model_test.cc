// Random operations on the store and on the model of it, compared after every step. A failure prints the seed:
// OFE_SEED=<seed> OFE_ROUNDS=1 repeats it alone. More rounds (OFE_ROUNDS=100000) look longer.
#include "store_model.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <random>
#include <set>

namespace flowstore {
namespace {

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

std::string describe(const Stats& s) {
  std::string text;
  const std::pair<const char*, std::uint64_t> all[] = {
      {"flows", s.flows},
      {"ended_waiting", s.ended_waiting},
      {"without_statistics", s.without_statistics},
      {"created", s.created},
      {"restarted", s.restarted},
      {"ended", s.ended},
      {"exported", s.exported},
      {"refused_full", s.refused_full},
      {"evicted_ended", s.evicted_ended},
      {"counter_steps_back", s.counter_steps_back},
      {"zone_memberships_dropped", s.zone_memberships_dropped},
      {"stale_observations", s.stale_observations},
      {"ends_not_remembered", s.ends_not_remembered},
      {"resumed_unseen", s.resumed_unseen},
      {"resumed", s.resumed},
      {"resumed_gone", s.resumed_gone},
      {"resume_refused", s.resume_refused},
  };
  for (const auto& [name, value] : all) text += std::string(name) + " " + std::to_string(value) + "\n";
  return text;
}

// What happened in all rounds together: a test that never met a case proves nothing about it.
struct Coverage {
  std::set<ObserveResult> results;
  std::set<EndReason> reasons;
  std::uint64_t refused_records = 0, given_up = 0, steps_back = 0, zones_dropped = 0, whole_flows = 0,
                partial_sweeps = 0;
  std::uint64_t flushed_idle = 0, ended_at_once = 0;
  std::uint64_t unsettled_records = 0, swept_forgotten = 0;
  StoreModel::BirthsBy births_by{};
  std::uint64_t resumed = 0, resumed_ended = 0, resumed_gone = 0, resume_refused = 0, unmarked_left = 0;
};

class Round {
 public:
  Round(std::uint64_t seed, Coverage& coverage)
      : random_(seed),
        coverage_(coverage),
        marks_habit_(pick(4)),
        limits_{.max_flows = 1 + pick(12)},
        timing_(any_timing()),
        model_(limits_, timing_, now_) {
    make_store();
  }

  void run(int steps) {
    for (int step = 0; step < steps && !::testing::Test::HasFailure(); ++step) {
      SCOPED_TRACE("step " + std::to_string(step));
      pass();
      removed_.clear();
      operate();
      compare();
    }
    note_coverage();
    coverage_.births_by.start += model_.births_by().start;
    coverage_.births_by.scan += model_.births_by().scan;
    coverage_.births_by.clock_set_back += model_.births_by().clock_set_back;
    coverage_.births_by.future += model_.births_by().future;
  }

 private:
  void make_store() {
    store_ = std::make_unique<Store>(limits_, timing_, now_);
    store_->on_removed([this](const Flow& flow) {
      const ModelFlow* const known = model_.find_like(flow);
      if (!known || !StoreModel::goes_without_record(*known)) removed_.push_back(flow);
    });
  }

  void note_coverage() {
    coverage_.given_up += store_->stats().evicted_ended;
    coverage_.steps_back += store_->stats().counter_steps_back;
    coverage_.zones_dropped += store_->stats().zone_memberships_dropped;
    coverage_.resumed_gone += store_->stats().resumed_gone;
  }

  std::size_t pick(std::size_t below) { return std::uniform_int_distribution<std::size_t>(0, below - 1)(random_); }
  bool chance(int percent) { return static_cast<int>(pick(100)) < percent; }

  void pass() {
    const std::int64_t passed = chance(50) ? pick(8) : pick(60);
    now_.monotonic_ms += passed;
    now_.wall_ms += chance(3) ? -passed * 5 : passed;  // wall clocks get set
    if (chance(3)) now_.wall_ms += chance(60) ? -3'000 : 3'000;
  }

  ExportTiming any_timing() {
    return {static_cast<std::int64_t>(1 + pick(100)), chance(50) ? 0 : static_cast<std::int64_t>(1 + pick(60))};
  }
  std::uint16_t any_zone() { return static_cast<std::uint16_t>(1 + (chance(60) ? pick(2) : pick(5))); }

  void operate() {
    const std::size_t what = pick(100);
    if (what < 50) return observe();
    if (what < 60) return destroy();
    if (what < 68) return begin_scan();
    if (what < 78) return end_scan();
    if (what < 86) return sweep();
    if (what < 96) return export_due();
    if (what < 97) return forget_zone();
    if (what < 98) return make_all_due();
    if (what < 99) return set_timing();
    if (chance(70)) restart();
  }

  Observation any_observation() {
    Observation seen;
    const std::uint8_t client[] = {10, 0, 0, static_cast<std::uint8_t>(1 + pick(2))};
    const std::uint8_t server[] = {10, 0, 1, 1};
    const std::uint16_t snat_port = static_cast<std::uint16_t>(1000 + pick(chance(50) ? 1 : 3));
    seen.original = {address_from_ipv4(client), address_from_ipv4(server), 1000, 80, 6};
    seen.reply = {seen.original.destination, seen.original.source, 80, snat_port, 6};
    seen.zone = any_zone();
    seen.status = static_cast<std::uint32_t>(pick(3));
    seen.timeout_s = static_cast<std::uint32_t>(pick(3));
    seen.mark = static_cast<std::uint32_t>(pick(3));
    seen.labels[15] = static_cast<std::uint8_t>(pick(3));
    if (chance(50)) seen.tcp_state = static_cast<TcpState>(pick(10));

    const ModelFlow* const known = model_.latest(seen.original, seen.reply);
    // Marks: some rounds have a source without any, and most observations are of the connection that has the key.
    if (known && chance(80)) {
      if (chance(80)) seen.id = known->shows.id;
      if (chance(80) && known->start_known) seen.start_wall_ms = known->shows.start_wall_ms;
    } else {
      seen.id = static_cast<std::uint32_t>(pick(4));
      if (chance(70)) seen.start_wall_ms = chance(30) ? now_.wall_ms : started_wall_ms - 20 + std::int64_t(pick(60));
      if (chance(10)) seen.start_wall_ms = now_.wall_ms - 40 + std::int64_t(chance(70) ? pick(60) : pick(2'000));
    }
    if (marks_habit_ == 0) seen.id = 0;
    if (marks_habit_ <= 1) seen.start_wall_ms = 0;

    if (chance(85)) seen.statistics = chance(80) ? Statistics::exact : Statistics::estimated;
    const bool grows = known && chance(75);
    const auto next = [&](std::uint64_t before) { return grows ? before + pick(3) * pick(100) : pick(500); };
    const Counters before = known ? known->shows.total : Counters{};
    seen.counters = {next(before.packets), next(before.octets), next(before.reverse_packets),
                     next(before.reverse_octets)};
    return seen;
  }

  void name_latest(const Observation& seen) {
    store_->set_names(seen.original, seen.reply, ++names_);
    model_.latest(seen.original, seen.reply)->shows.names = names_;
  }

  void observe() {
    Observation seen = any_observation();
    if (chance(15)) seen.sight = Sight::born;
    const ObserveResult result = store_->observe(seen, now_);
    EXPECT_EQ(result, model_.observe(seen, now_, removed_)) << "observe";
    coverage_.results.insert(result);
    const bool is_new = result == ObserveResult::created || result == ObserveResult::restarted;
    if (is_new && chance(80)) name_latest(seen);
  }

  void destroy() {
    Observation last = any_observation();
    if (chance(50)) last.stop_wall_ms = now_.wall_ms - static_cast<std::int64_t>(pick(20));
    last.sight = Sight::gone;
    const std::uint64_t created = store_->stats().created;
    EXPECT_EQ(store_->observe(last, now_), ObserveResult::ended);
    model_.destroy(last, now_, removed_);
    coverage_.whole_flows += store_->stats().created - created;
  }

  void begin_scan() {
    const std::uint16_t zone = any_zone();
    store_->begin_scan(zone, now_);
    model_.begin_scan(zone, now_);
  }

  void end_scan() {
    const std::uint16_t zone = any_zone();
    const bool complete = chance(75);
    store_->end_scan(zone, complete, now_);
    model_.end_scan(zone, complete);
  }

  void sweep() {
    const bool more = store_->sweep(chance(50) ? 1 + pick(3) : 1'000, now_);
    coverage_.partial_sweeps += more;
    unsettled_ = unsettled_ && more;
    was_swept(!more);
  }

  // Which flows a sweep has reached only the store knows.
  void was_swept(bool whole) {
    for (ModelFlow* const flow : model_.to_be_swept()) {
      const Flow* const shown = store_->find(flow->shows.original, flow->shows.reply);
      const bool gone = !shown && StoreModel::goes_without_record(*flow);
      ASSERT_TRUE(shown || gone) << "sweep";
      EXPECT_TRUE(!whole || gone || shown->ended) << "swept all, but not " << flowstore::describe(flow->shows);
      if (!gone && !shown->ended) continue;
      for (const auto& [zone, in] : flow->zones) coverage_.swept_forgotten += in.forgotten;
      model_.end_by_sweep(*flow, now_);
    }
  }

  void export_due() {
    const std::size_t max = chance(50) ? 1 + pick(3) : 1'000;
    bool refused = false;
    std::size_t accepted = 0;
    const std::size_t taken = store_->export_due(now_, max, [&](Export& record) {
      refused = chance(20);
      if (take(record, refused)) ++accepted;
      return !refused;
    });
    EXPECT_EQ(taken, accepted);
    coverage_.refused_records += refused;
    if (!refused && taken < max && !unsettled_) {
      EXPECT_GT(model_.earliest_due().value_or(INT64_MAX), now_.monotonic_ms) << "a due flow was left";
    }
  }

  // Whether the record was accepted.
  bool take(Export& record, bool refused) {
    ModelFlow* const flow = model_.find_like(record.flow);
    if (!flow) {
      ADD_FAILURE() << "exported " << flowstore::describe(record.flow);
      return !refused;
    }
    if (!unsettled_) {
      EXPECT_EQ(model_.due(*flow), model_.earliest_due()) << "not the earliest: " << flowstore::describe(record.flow);
    }
    EXPECT_LE(model_.due(*flow), now_.monotonic_ms) << "not due: " << flowstore::describe(record.flow);
    EXPECT_EQ(record.delta, flow->shows.pending) << flowstore::describe(record.flow);
    if (!flow->either_reason || record.reason != EndReason::end_of_flow) {
      EXPECT_EQ(record.reason, model_.reason_if_exported(*flow, now_)) << flowstore::describe(record.flow);
    }
    coverage_.reasons.insert(record.reason);
    coverage_.unsettled_records += unsettled_ && !flow->shows.ended;
    coverage_.flushed_idle += flow->idle_exported && !flow->shows.ended;
    coverage_.ended_at_once += flow->shows.ended && flow->ended_at == flow->shows.first_monotonic_ms;
    if (refused) return false;
    if (chance(30)) record.flow.names = flow->shows.names = ++names_;
    model_.accept_export(*flow, now_);
    return true;
  }

  void forget_zone() {
    const std::uint16_t zone = any_zone();
    store_->forget_zone(zone, now_);
    model_.forget_zone(zone, now_);
  }

  void make_all_due() {
    store_->make_all_due(now_);
    was_swept(false);
    model_.make_all_due(now_);
    unsettled_ = true;
  }

  void set_timing() {
    timing_ = any_timing();
    store_->set_timing(timing_, now_);
    was_swept(false);
    model_.set_timing(timing_, now_);
    unsettled_ = true;
  }

  // A clean stop, with a collector that takes all, some or no records, and the next process some time later.
  void restart() {
    store_->suspend(now_);
    was_swept(true);
    model_.suspend(now_);
    unsettled_ = false;
    for (std::size_t times = pick(3); times > 0; --times) export_due();
    compare();
    if (::testing::Test::HasFailure()) return;
    note_coverage();

    const std::unique_ptr<Store> before = std::move(store_);
    pass();
    if (chance(30)) limits_.max_flows = 1 + pick(12);
    timing_ = any_timing();
    make_store();
    before->for_each_baseline([&](const Baseline& left) {
      resume(left);
      return !::testing::Test::HasFailure();
    });
    store_->resume_births(before->births());
    for (const ModelFlow& flow : model_.flows()) {
      EXPECT_TRUE(!flow.shows.ended && flow.shows.id == 0 && !flow.start_known && flow.shows.pending == Counters{})
          << "left behind: " << flowstore::describe(flow.shows);
      ++coverage_.unmarked_left;
    }
    model_.begin_again(limits_, timing_, now_);
  }

  void resume(const Baseline& left) {
    ModelFlow* const flow = model_.find_like(left);
    ASSERT_NE(flow, nullptr) << "not in the model: " << flowstore::describe(left.flow);
    const bool has_room = store_->stats().flows < limits_.max_flows;
    EXPECT_EQ(store_->resume(left, now_), has_room) << flowstore::describe(left.flow);
    model_.resume(*flow, !has_room, now_);
    ++(!has_room ? coverage_.resume_refused : left.flow.ended ? coverage_.resumed_ended : coverage_.resumed);
  }

  void compare() {
    EXPECT_EQ(model_.complaint(), "");
    EXPECT_EQ(describe(store_->stats()), describe(model_.stats()));
    EXPECT_LE(store_->stats().flows, limits_.max_flows);

    std::multiset<std::string> shown, expected;
    store_->for_each([&](const Flow& flow) { return shown.insert(flowstore::describe(flow)), true; });
    for (ModelFlow& flow : model_.flows()) {
      expected.insert(flowstore::describe(flow.shows));
      EXPECT_LE(flow.shows.start_wall_ms, flow.shows.last_wall_ms);
      EXPECT_EQ(flow.delivered.octets + flow.shows.pending.octets, flow.observed.octets);
      EXPECT_EQ(flow.delivered.packets + flow.shows.pending.packets, flow.observed.packets);
      const Flow* const found = store_->find(flow.shows.original, flow.shows.reply);
      const ModelFlow* const latest = model_.latest(flow.shows.original, flow.shows.reply);
      EXPECT_EQ(found ? flowstore::describe(*found) : "nothing",
                latest ? flowstore::describe(latest->shows) : "nothing");
    }
    EXPECT_EQ(shown, expected);
    compare_deadlines();
  }

  void compare_deadlines() {
    if (unsettled_) return;
    const auto due = store_->next_deadline_ms(), expected = model_.earliest_due();
    EXPECT_EQ(due.has_value(), expected.has_value());
    if (!due || !expected) return;
    EXPECT_LE(*due, *expected) << "the next deadline must not be late";
    if (timing_.idle_ms == 0) {
      EXPECT_EQ(*due, *expected);
    }
  }

  static constexpr std::int64_t started_wall_ms = 1'700'000'000'000;

  std::mt19937_64 random_;
  Coverage& coverage_;
  Now now_{1'000'000, started_wall_ms};
  std::size_t marks_habit_;  // 0: sources show no marks, 1: ids only, else both
  Limits limits_;
  ExportTiming timing_;
  std::unique_ptr<Store> store_;
  StoreModel model_;
  std::vector<Flow> removed_;
  NameHandle names_ = 0;
  bool unsettled_ = false;  // a timing or a flush that the sweep has not brought to all flows
};

TEST(StoreModel, AgreesWithTheStoreUnderRandomOperations) {
  const std::uint64_t first_seed = number_from_environment("OFE_SEED", std::random_device{}());
  const std::uint64_t rounds = number_from_environment("OFE_ROUNDS", 1'000);
  Coverage coverage;
  for (std::uint64_t seed = first_seed; seed < first_seed + rounds; ++seed) {
    SCOPED_TRACE("OFE_SEED=" + std::to_string(seed));
    Round(seed, coverage).run(100);
    if (HasFailure()) return;
  }
  if (rounds < 100) return;
  EXPECT_EQ(coverage.results.size(), 6u) << "not every result of observe() was met";
  EXPECT_EQ(coverage.reasons.size(), 4u) << "not every reason was met";
  for (const std::uint64_t met :
       {coverage.refused_records, coverage.given_up, coverage.steps_back, coverage.zones_dropped, coverage.whole_flows,
        coverage.partial_sweeps, coverage.unsettled_records, coverage.swept_forgotten, coverage.flushed_idle,
        coverage.ended_at_once, coverage.births_by.start, coverage.births_by.scan, coverage.births_by.clock_set_back,
        coverage.births_by.future, coverage.resumed, coverage.resumed_ended, coverage.resumed_gone,
        coverage.resume_refused, coverage.unmarked_left}) {
    EXPECT_GT(met, 0u);
  }
}

}  // namespace
}  // namespace flowstore
