// ipfix-dump: IPFIX to JSON lines, one object per Data Record.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include "ipfix/collecting_process.h"
#include "ipfix/dump/finding_log.h"
#include "ipfix/dump/input_files.h"
#include "ipfix/dump/listener.h"
#include "ipfix/dump/record_output.h"

namespace {

constexpr int exit_well_formed = 0;
constexpr int exit_failed = 1;  // wrong usage, or a file that cannot be read
constexpr int exit_malformed = 2;

struct Options {
  std::vector<std::string> files;
  bool datagrams = false;
  std::vector<std::string> listen;
  std::vector<std::string> element_files;
  bool meta = false;
  std::size_t max_sessions = 1024;
};

void describe(CLI::App& app, Options& options) {
  app.add_option("FILE", options.files, "IPFIX streams: concatenated messages; - is standard input");
  app.add_flag("--datagrams", options.datagrams,
               "each FILE is the payload of one UDP datagram, in order, all of one session");
  app.add_option("--listen", options.listen,
                 "receive at tcp:ADDRESS:PORT or udp:ADDRESS:PORT until SIGINT or SIGTERM; may be given several times; "
                 "port 0 takes a free one and says which")
      ->allow_extra_args(false);
  app.add_option("--elements", options.element_files, "more Information Elements, a CSV file with a header line")
      ->allow_extra_args(false);
  app.add_flag("--meta", options.meta, "add _exporter, _domain, _template, _sequence and _exportTime to each record");
  app.add_option("--max-sessions", options.max_sessions, "most sessions at once when listening")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.footer(
      "Examples:\n"
      "  ipfix-dump capture.ipfix\n"
      "  ipfix-dump --listen tcp:0.0.0.0:4739 --listen 'udp:[::]:4739' --meta\n"
      "  ipfix-dump --elements vendor.csv --datagrams template.bin data.bin\n"
      "\n"
      "Exit status: 0 all input was well-formed; 2 malformed input was met (what could be decoded is printed, what "
      "was\n"
      "wrong goes to standard error); 1 wrong usage, or a file that cannot be read.");
}

// Of what is wrong with the options as a whole; empty: nothing.
std::string contradiction(const Options& options) {
  if (options.listen.empty() && options.files.empty()) return "give a FILE or --listen; --help tells more";
  if (!options.listen.empty() && !options.files.empty()) return "FILE and --listen exclude each other";
  return {};
}

void allow_many_descriptors() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);  // best effort: without it accept() says when there are no more
}

int run(const Options& options) {
  using namespace ipfix::dump;
  ipfix::Registry registry = ipfix::Registry::builtin();
  std::string error;
  for (const std::string& path : options.element_files) {
    if (registry.add_csv_file(path, error)) continue;
    FindingLog::say(error);
    return exit_failed;
  }

  RecordOutput output({.meta = options.meta});
  FindingLog log;
  ipfix::CollectingLimits limits;
  limits.sessions = options.max_sessions;
  ipfix::CollectingProcess process(registry, limits,
                                   {.record = [&](const ipfix::DataRecord& record) { output.add(record); },
                                    .finding = [&](const ipfix::FindingReport& report) { log.add(report); }});
  bool all_read = true;
  if (!options.listen.empty()) {
    allow_many_descriptors();
    Listener listener(process, log, output);
    for (const std::string& where : options.listen) {
      if (listener.listen(where, error)) continue;
      FindingLog::say(error);
      return exit_failed;
    }
    listener.run();
  } else if (options.datagrams) {
    all_read = read_datagrams(options.files, process, log, output);
  } else {
    all_read = read_streams(options.files, process, log, output);
  }
  process.close_all();
  output.flush();
  log.finish();
  if (!options.listen.empty()) {
    const ipfix::CollectingStats& stats = process.stats();
    FindingLog::say(std::to_string(stats.messages) + " messages, " + std::to_string(stats.records) + " records, " +
                    std::to_string(stats.malformed_messages) + " malformed, " + std::to_string(stats.records_missing) +
                    " lost by sequence (" + std::to_string(stats.records_late) + " of them came late), " +
                    std::to_string(stats.unknown_elements) + " unknown and " + std::to_string(stats.repeated_elements) +
                    " repeated elements in templates, " + std::to_string(stats.padding_octets) + " octets of padding");
  }
  if (output.error() != 0) {
    FindingLog::say(std::string("cannot write to standard output: ") + std::strerror(output.error()));
    return exit_failed;
  }
  if (!all_read) return exit_failed;
  return log.met_malformed() ? exit_malformed : exit_well_formed;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Decodes IPFIX (RFC 7011) to JSON lines on standard output, one object per Data Record.", "ipfix-dump");
  Options options;
  describe(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? exit_well_formed : exit_failed;
  }
  const std::string wrong = contradiction(options);
  if (!wrong.empty()) {
    ipfix::dump::FindingLog::say(wrong);
    return exit_failed;
  }
  return run(options);
}
