// Padding behind the last record of a message (RFC 7011 section 3.3.1): zeros, fewer than the shortest record of that
// set, so that a reader cannot take them for one. Messages of equal length leave in one piece (udp_socket.h).
#pragma once

#include <cstddef>
#include <span>

#include "ipfix/message_writer.h"
#include "ipfix/template.h"

namespace ipfix {

// How many octets of padding a finished message still takes; 0: it does not end with Data Records, or their template is
// not found.
std::size_t padding_allowed(const Message& message, const FindTemplate& find_template);

// Makes a message longer, by no more than padding_allowed().
void pad(Message& message, std::size_t octets);

struct PaddedMessage {
  Message* message = nullptr;
  std::size_t allowed = 0;  // padding_allowed()
};

// Pads neighbours to one length as far as that goes: runs of equal messages, of which the last may be shorter. Returns
// how many octets were added.
std::size_t pad_to_runs(std::span<const PaddedMessage> messages);

}  // namespace ipfix
