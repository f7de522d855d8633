#include "ipfix/message_padding.h"

#include <algorithm>

#include "ipfix/message_format.h"
#include "ipfix/message_reader.h"

namespace ipfix {
namespace {

std::size_t shortest_record_octets(const Template& definition) {
  std::size_t octets = 0;
  for (const FieldSpecifier& field : definition.fields) octets += field.length == variable_length ? 1 : field.length;
  return octets;
}

Set last_set(const Message& message) {
  SetReader sets(message.octets);
  Set last;
  for (Set set; sets.next(set);) last = set;
  return last;
}

// How many of the messages, from the first on, can be padded to one length, and to which. The last of them may stay
// shorter: it is the last because what follows cannot be as long.
struct Run {
  std::size_t messages = 0;
  std::size_t octets = 0;
};

Run first_run(std::span<const PaddedMessage> messages) {
  Run run;
  std::size_t longest = longest_message_octets;  // that all of the run can be made
  for (; run.messages < messages.size(); ++run.messages) {
    const auto& [message, allowed] = messages[run.messages];
    const std::size_t octets = message->octets.size();
    if (octets > longest) break;
    run.octets = std::max(run.octets, octets);
    longest = std::min(longest, octets + allowed);
    if (longest < run.octets) return {run.messages + 1, run.octets};
  }
  return run;
}

}  // namespace

std::size_t padding_allowed(const Message& message, const FindTemplate& find_template) {
  const Set last = last_set(message);
  const Template* const definition = last.id >= first_data_set_id ? find_template(last.id) : nullptr;
  if (definition == nullptr) return 0;
  const std::size_t shortest = shortest_record_octets(*definition);
  return shortest > message.padding ? shortest - message.padding - 1 : 0;
}

void pad(Message& message, std::size_t octets) {
  if (octets == 0) return;
  const Set last = last_set(message);
  message.octets.resize(message.octets.size() + octets);
  message.padding += octets;
  put16(message.octets, message_length_at, message.octets.size());
  put16(message.octets, last.offset + set_length_at, message.octets.size() - last.offset);
}

std::size_t pad_to_runs(std::span<const PaddedMessage> messages) {
  std::size_t added = 0;
  while (!messages.empty()) {
    const Run run = first_run(messages);
    for (const PaddedMessage& one : messages.first(run.messages - 1)) {
      const std::size_t octets = run.octets - one.message->octets.size();
      pad(*one.message, octets);
      added += octets;
    }
    messages = messages.subspan(run.messages);
  }
  return added;
}

}  // namespace ipfix
