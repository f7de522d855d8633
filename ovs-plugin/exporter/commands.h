// The exporter's ovs-appctl commands. Each reads the state the parts work on; listings are bounded, and every one of
// them is also to be had as JSON with --json.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "flowstore/flow.h"
#include "ovs-plugin/ovs/ovs.h"

namespace ofe {

class Exporter;
struct State;

using Json = nlohmann::ordered_json;
using Arguments = std::vector<std::string>;

// What a command answers: an error goes to standard error of ovs-appctl, whose exit status is then 2.
struct Answer {
  bool good = true;
  std::string text;
};

// A command whose answer takes a walk over the whole store: one slice in each turn of the loop.
class Listing {
 public:
  virtual ~Listing() = default;
  // False when there is nothing left to do: answer() is then asked for.
  virtual bool step() = 0;
  virtual Answer answer() = 0;
};

// Registers everything with OVS's unixctl server; exporter must live as long as the process serves commands.
void register_commands(Exporter& exporter);

void reply(ofe_ovs_request* request, const Answer& answer);

// The pieces, one file each.
// nullptr: `wrong` is the answer.
std::unique_ptr<Listing> flow_list(Exporter& exporter, const Arguments& arguments, Answer& wrong);
std::unique_ptr<Listing> flow_show(Exporter& exporter, const Arguments& arguments, Answer& wrong);
Answer k8s_show(Exporter& exporter, const Arguments& arguments);
Answer port_list(Exporter& exporter, const Arguments& arguments);
Answer zone_list(Exporter& exporter, const Arguments& arguments);
Answer exporter_status(Exporter& exporter, const Arguments& arguments);
Json status_json(Exporter& exporter);  // what exporter/status shows
Answer ipfix_show(Exporter& exporter, const Arguments& arguments);
Answer config_show(Exporter& exporter, const Arguments& arguments);

// ports in exporter/status; a flow's ports in flow/show.
Json ports_status(Exporter& exporter);
void add_ports(const State& state, const flowstore::Flow& flow, Json& json);
// zones in exporter/status.
Json zones_status(Exporter& exporter);
// stateFile in exporter/status.
Json state_file_status(Exporter& exporter);

// Nested objects as indented "key: value" lines: one source for --json and for people.
std::string as_text(const Json& json, int indent = 0);
// Takes out "--json"; anything else left over is a wrong argument and gives an answer that says the usage.
bool take_json_flag(const Arguments& arguments, bool& json, Answer& wrong, const char* usage);
std::string time_text(std::int64_t wall_ms);  // RFC 3339, UTC; "never" for 0

}  // namespace ofe
