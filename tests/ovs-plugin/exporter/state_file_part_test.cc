// From one process's state to the next one's, by way of the file.
#include "ovs-plugin/exporter/state_file_part.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>

#include "tests/k8s-bridge/watcher/temporary_folder.h"

namespace ofe {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Process {
  Process(const config::Config& settings, flowstore::Now now)
      : state(settings, "node-a", now), exporting(state), file(state, exporting) {
    file.read(now);
  }
  State state;
  ExportPart exporting;
  StateFilePart file;
};

record::Names pod(const char* name) {
  record::Names names;
  names.source_pod = name;
  return names;
}

class StateFileBetweenProcesses : public ::testing::Test {
 protected:
  StateFileBetweenProcesses() { settings.state_file = folder.path("state"); }

  void start() { process = std::make_unique<Process>(settings, now); }
  void stop() {
    process->state.store.suspend(now);
    process->file.write(now);
    process.reset();
    now = {now.monotonic_ms + 10'000, now.wall_ms + 10'000};
  }
  bool file_exists() const { return ::access(folder.path("state").c_str(), F_OK) == 0; }

  static flowstore::Observation connection(std::uint16_t port, std::uint64_t packets) {
    flowstore::Observation seen;
    seen.zone = 65520;
    seen.original = {*flowstore::parse_address("10.0.0.1"), *flowstore::parse_address("10.0.0.2"), port, 53, 17};
    seen.reply = {seen.original.destination, seen.original.source, 53, port, 17};
    seen.id = port;
    seen.start_wall_ms = 1'700'000'000'500;
    seen.counters = {packets, packets * 100, 0, 0};
    seen.statistics = flowstore::Statistics::exact;
    return seen;
  }
  void destroy(std::uint16_t port, std::uint64_t packets) {
    flowstore::Observation last = connection(port, packets);
    last.sight = flowstore::Sight::gone;
    process->state.store.observe(last, now);
  }
  const flowstore::Flow* find(std::uint16_t port) const {
    const auto key = connection(port, 0);
    return process->state.store.find(key.original, key.reply);
  }
  void see(std::uint16_t port, std::uint64_t packets) { process->state.store.observe(connection(port, packets), now); }

  const watcher::TemporaryFolder folder;
  config::Config settings;
  flowstore::Now now{1'000'000, 1'700'000'000'000};
  std::unique_ptr<Process> process;
};

TEST_F(StateFileBetweenProcesses, FlowsNamesAndZonesGoOver) {
  start();
  EXPECT_FALSE(process->file.stats().read);
  EXPECT_EQ(process->file.stats().problem, "") << "no file at the first start is nothing to warn of";
  see(1, 10);
  see(2, 20);
  const auto key = connection(2, 0);
  process->state.store.set_names(key.original, key.reply, process->state.names.acquire(pod("web-1")));
  stop();
  EXPECT_TRUE(file_exists());

  start();
  EXPECT_FALSE(file_exists()) << "it is read once";
  EXPECT_TRUE(process->file.stats().read);
  EXPECT_EQ(process->file.stats().flows, 2u);
  EXPECT_EQ(process->state.store.stats().resumed, 2u);
  EXPECT_THAT(process->file.zones(), ElementsAre(65520));
  see(1, 15);
  EXPECT_EQ(find(1)->pending.packets, 15u) << "nothing was exported of it";
  EXPECT_EQ(process->state.names.get(find(2)->names).source_pod, "web-1");
  EXPECT_EQ(process->state.names.size(), 1u);
  see(3, 7);
  EXPECT_EQ(find(3)->pending.packets, 7u) << "born before this process, after the one before it began";
}

TEST_F(StateFileBetweenProcesses, NamesGoWithTheLastFlowThatHasThem) {
  start();
  see(1, 10);
  const auto key = connection(1, 0);
  process->state.store.set_names(key.original, key.reply, process->state.names.acquire(pod("web-1")));
  destroy(1, 12);
  stop();
  start();
  std::string pod;
  process->state.store.export_due(now, 10, [&](flowstore::Export& record) {
    pod = process->state.names.get(record.flow.names).source_pod;
    return true;
  });
  EXPECT_EQ(pod, "web-1");
  EXPECT_EQ(process->state.names.size(), 0u);
}

TEST_F(StateFileBetweenProcesses, AnEndedFlowIsNamedByWhatIsKnownAtTheStop) {
  start();
  see(1, 10);
  destroy(1, 12);
  process->state.ports.replace({{"v", "shop", "web-1", "", "", {*flowstore::parse_address("10.0.0.1")}}});
  stop();
  start();
  EXPECT_EQ(process->state.names.get(find(1)->names).source_pod, "web-1");
}

TEST_F(StateFileBetweenProcesses, WhatThisNodeDoesNotExportIsNotKept) {
  settings.pod_cidrs = {*flowstore::parse_prefix("10.0.0.0/8")};
  start();
  see(1, 10);
  destroy(1, 12);
  see(2, 5);
  stop();
  start();
  EXPECT_EQ(find(1), nullptr) << "it has ended, and another Node exports it";
  EXPECT_NE(find(2), nullptr);
}

TEST_F(StateFileBetweenProcesses, WithoutTheSettingThereIsNoFile) {
  settings.state_file = "";
  start();
  see(1, 10);
  stop();
  EXPECT_FALSE(file_exists());
}

TEST_F(StateFileBetweenProcesses, AFileThatIsNotUsedIsNamedWithTheReason) {
  start();
  see(1, 10);
  stop();
  ASSERT_EQ(::truncate(settings.state_file.c_str(), 100), 0);
  start();
  EXPECT_FALSE(process->file.stats().read);
  EXPECT_THAT(process->file.stats().problem, HasSubstr("is cut at octet 100"));
  EXPECT_EQ(process->state.store.stats().flows, 0u);
  EXPECT_FALSE(file_exists()) << "nor is it read by the next start";
}

TEST_F(StateFileBetweenProcesses, SomebodyElsesFileIsNeitherReadNorReplaced) {
  folder.write("state", "something of value");
  start();
  EXPECT_THAT(process->file.stats().problem, HasSubstr("no state file"));
  see(1, 10);
  stop();
  std::string text;
  std::getline(std::ifstream(folder.path("state")) >> std::ws, text);
  EXPECT_EQ(text, "something of value");
}

TEST_F(StateFileBetweenProcesses, AFileFoundUnderANewNameIsOutOfDate) {
  start();
  see(1, 10);
  stop();
  const std::string path = std::exchange(settings.state_file, "");
  start();
  see(1, 10);
  process->state.settings.state_file = path;
  process->file.run(now);
  EXPECT_FALSE(file_exists());
  stop();
  EXPECT_TRUE(file_exists());
  settings.state_file = path;
  start();
  see(1, 12);
  EXPECT_EQ(find(1)->total.packets, 12u);
  EXPECT_EQ(find(1)->pending.packets, 2u);
}

TEST_F(StateFileBetweenProcesses, RecordsThatWereNotSentGoOver) {
  settings.collector = config::Collector{"192.0.2.1", "", ""};
  start();
  process->exporting.run(now);
  see(1, 10);
  destroy(1, 12);
  process->exporting.run(now);
  EXPECT_EQ(process->state.store.stats().flows, 0u);
  stop();
  start();
  EXPECT_EQ(process->file.stats().records, 1u);
  EXPECT_EQ(process->exporting.resumed().size(), 1u);
  stop();
  start();
  EXPECT_EQ(process->exporting.resumed().size(), 1u) << "nor by a second restart lost";
  process->exporting.run(now);
  EXPECT_EQ(process->exporting.collectors().all().at(0)->process().stats().records_accepted, 1u);
}

}  // namespace
}  // namespace ofe
