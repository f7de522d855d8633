// conntrack-fill: synthetic entries, as an Antrea Node with many established TCP connections would have them.
#include <arpa/inet.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fstream>
#include <map>
#include <string>

#include "tests/conntrack-tools/request_batch.h"
#include "tests/conntrack-tools/synthetic_entry.h"

namespace {

using conntrack_tools::most_entries;
using conntrack_tools::RequestBatch;

constexpr std::uint32_t timeout_s = 86'400;

void put_entry(RequestBatch& batch, std::uint64_t number, std::uint16_t zone) {
  const conntrack_tools::SyntheticEntry entry = conntrack_tools::synthetic_entry(number);
  nlmsghdr* const request = batch.begin(IPCTNL_MSG_CT_NEW, NLM_F_CREATE | NLM_F_EXCL, number);
  conntrack_tools::put_tuple(request, CTA_TUPLE_ORIG, entry.original);
  conntrack_tools::put_tuple(request, CTA_TUPLE_REPLY, entry.reply);
  conntrack_tools::put_zone(request, zone);
  mnl_attr_put_u32(request, CTA_TIMEOUT, htonl(timeout_s));
  mnl_attr_put_u32(request, CTA_STATUS, htonl(IPS_CONFIRMED | IPS_SEEN_REPLY | IPS_ASSURED));
  mnl_attr_put_u32(request, CTA_MARK, htonl(entry.mark));
  nlattr* const info = mnl_attr_nest_start(request, CTA_PROTOINFO);
  nlattr* const tcp = mnl_attr_nest_start(request, CTA_PROTOINFO_TCP);
  mnl_attr_put_u8(request, CTA_PROTOINFO_TCP_STATE, TCP_CONNTRACK_ESTABLISHED);
  mnl_attr_nest_end(request, tcp);
  mnl_attr_nest_end(request, info);
  mnl_attr_put(request, CTA_LABELS, sizeof entry.labels, entry.labels);
}

std::uint64_t sysctl(const std::string& name) {
  std::uint64_t value = 0;
  const std::string path = "/proc/sys/net/netfilter/" + name;
  if (!(std::ifstream(path) >> value)) throw std::runtime_error("cannot read " + path);
  return value;
}

// The kernel's own answer to a full table is "out of memory".
void check_room(std::uint64_t entries) {
  const std::uint64_t most = sysctl("nf_conntrack_max"), present = sysctl("nf_conntrack_count");
  if (present + entries <= most) return;
  throw std::runtime_error("no room for " + std::to_string(entries) + " entries: net.netfilter.nf_conntrack_max is " +
                           std::to_string(most) + ", " + std::to_string(present) +
                           " entries are there; raise it to at least " + std::to_string(present + entries));
}

// Error numbers and how often each came; the first entry it came with.
using Refusals = std::map<int, std::pair<std::uint64_t, std::uint64_t>>;

// Ends early when the table is full: the kernel searches long for something to throw out before it refuses.
Refusals fill(std::uint64_t first, std::uint64_t entries, std::uint16_t zone) {
  Refusals refusals;
  const auto refused = [&](std::uint64_t number, int error) {
    ++refusals.try_emplace(error, 0, number).first->second.first;
  };
  RequestBatch batch;
  for (std::uint64_t number = first; number < first + entries; ++number) {
    put_entry(batch, number, zone);
    if (!batch.full() && number + 1 != first + entries) continue;
    batch.send(refused);
    if (const auto full = refusals.find(ENOMEM); full != refusals.end()) {
      full->second.first += first + entries - number - 1;
      break;
    }
  }
  return refusals;
}

int report(const Refusals& refusals, std::uint64_t entries, double seconds) {
  std::uint64_t failed = 0;
  for (const auto& [error, how_often] : refusals) {
    const auto& [count, number] = how_often;
    failed += count;
    std::fprintf(stderr, "conntrack-fill: %lu of %lu entries could not be made (the first was number %lu): %s%s\n",
                 count, entries, number, std::strerror(error),
                 error == ENOMEM   ? " (was nf_conntrack_max lowered meanwhile?)"
                 : error == EEXIST ? " (another --first takes other addresses and ports)"
                                   : "");
  }
  std::printf("{\"entries\":%lu,\"failed\":%lu,\"seconds\":%.3f}\n", entries - failed, failed, seconds);
  return failed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t entries = 0, first = 0;
  std::uint16_t zone = 0;
  CLI::App app("Puts established TCP connections into the conntrack of this network namespace", "conntrack-fill");
  app.add_option("--entries", entries, "How many")->required()->check(CLI::Range(std::uint64_t{1}, most_entries));
  app.add_option("--zone", zone, "Conntrack zone");
  app.add_option("--first", first, "Number of the first: its addresses and ports, the same in every run");
  app.footer(
      "Counters, start times and events need their sysctls on beforehand. The kernel keeps labels where a rule of the\n"
      "namespace sets some (nft: ct label set), and drops them otherwise.\n"
      "Example:\n  ip netns exec test conntrack-fill --entries 1000000 --zone 65520");
  CLI11_PARSE(app, argc, argv);
  try {
    if (first + entries > most_entries) throw std::runtime_error("--first and --entries go beyond number 2^32 - 1");
    check_room(entries);
    const auto began = std::chrono::steady_clock::now();
    const Refusals refusals = fill(first, entries, zone);
    return report(refusals, entries, std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "conntrack-fill: %s\n", error.what());
    return 1;
  }
}
