#include "ovs-plugin/exporter/commands.h"

#include <spdlog/fmt/fmt.h>

#include <ctime>
#include <exception>

#include "ovs-plugin/exporter/exporter.h"
#include "ovs-plugin/ovs/ovs.h"

namespace ofe {
namespace {

struct Command {
  const char* name;
  const char* usage;
  Answer (*run)(Exporter&, const Arguments&);
  std::unique_ptr<Listing> (*list)(Exporter&, const Arguments&, Answer& wrong) = nullptr;  // instead of run
};

Answer config_reload(Exporter& exporter, const Arguments& arguments) {
  if (!arguments.empty()) return {false, "usage: config/reload"};
  ConfigPart& config = exporter.config();
  if (config.reload(exporter.now())) return {true, "taken over: " + config.path()};
  std::string problems = "refused, the settings in force stay:";
  for (const std::string& problem : config.stats().problems) problems += "\n  " + problem;
  return {false, problems};
}

Answer exporter_flush(Exporter& exporter, const Arguments& arguments) {
  if (!arguments.empty()) return {false, "usage: exporter/flush"};
  exporter.state().store.make_all_due(exporter.now());
  return {true, fmt::format("{} flows are due now", exporter.state().store.stats().flows)};
}

Answer log_set(Exporter&, const Arguments& arguments) {
  if (arguments.size() != 1 || !set_log_level(arguments[0])) {
    return {false, "usage: log/set LEVEL, where LEVEL is off, error, warn, info or debug"};
  }
  return {true, "log level " + arguments[0]};
}

constexpr Command commands[] = {
    {"exporter/status", "[--json]", exporter_status},
    {"exporter/flush", "", exporter_flush},
    {"flow/list", "[denied] [FILTER…] [--json]", nullptr, flow_list},
    {"flow/show", "FILTER… [--json]", nullptr, flow_show},
    {"k8s/show", "[pod|service|node [NAME|ADDRESS]] [--json]", k8s_show},
    {"port/list", "[--json]", port_list},
    {"zone/list", "[--json]", zone_list},
    {"ipfix/show", "[--json]", ipfix_show},
    {"config/show", "[--json]", config_show},
    {"config/reload", "", config_reload},
    {"log/set", "off|error|warn|info|debug", log_set},
};

struct Registration {
  Exporter* exporter = nullptr;
  const Command* command = nullptr;
};

// C calls this; nothing may be thrown through it.
void dispatch(ofe_ovs_request* request, int argc, const char* const argv[], void* context) noexcept {
  const auto& registration = *static_cast<const Registration*>(context);
  Answer answer;
  try {
    const Arguments arguments(argv + 1, argv + argc);
    if (registration.command->list != nullptr) {
      auto listing = registration.command->list(*registration.exporter, arguments, answer);
      if (listing) return registration.exporter->listings().add(request, std::move(listing));
    } else {
      answer = registration.command->run(*registration.exporter, arguments);
    }
  } catch (const std::exception& error) {
    answer = {false, std::string(registration.command->name) + ": " + error.what()};
  }
  reply(request, answer);
}

}  // namespace

void register_commands(Exporter& exporter) {
  static Registration registrations[std::size(commands)];
  for (std::size_t i = 0; i < std::size(commands); ++i) {
    registrations[i] = {&exporter, &commands[i]};
    ofe_ovs_command_register(commands[i].name, commands[i].usage, dispatch, &registrations[i]);
  }
}

void reply(ofe_ovs_request* request, const Answer& answer) {
  if (answer.good) {
    ofe_ovs_reply(request, answer.text.c_str());
  } else {
    ofe_ovs_reply_error(request, answer.text.c_str());
  }
}

std::string as_text(const Json& json, int indent) {
  std::string text;
  const std::string margin(static_cast<std::size_t>(indent), ' ');
  for (const auto& [key, value] : json.items()) {
    const std::string label = json.is_array() ? margin + "-" : margin + key + ":";
    if (value.is_structured()) {
      text += value.empty() ? label + " none\n" : label + "\n" + as_text(value, indent + 2);
    } else {
      text += label + " " + (value.is_string() ? value.get<std::string>() : value.dump()) + "\n";
    }
  }
  return text;
}

bool take_json_flag(const Arguments& arguments, bool& json, Answer& wrong, const char* usage) {
  for (const std::string& argument : arguments) {
    if (argument != "--json") {
      wrong = {false, "unknown argument \"" + argument + "\"; usage: " + usage};
      return false;
    }
    json = true;
  }
  return true;
}

std::string time_text(std::int64_t wall_ms) {
  if (wall_ms <= 0) return "never";
  const std::time_t seconds = wall_ms / 1000;
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char date[32];
  std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);
  return fmt::format("{}.{:03}Z", date, wall_ms % 1000);
}

}  // namespace ofe
