#include "ovs-plugin/netlink/dump.h"

#include <cstring>

namespace ofe::netlink {

DumpProgress take_control(const nlmsghdr* message, std::string& error) {
  int code = 0;
  if (message->nlmsg_flags & NLM_F_DUMP_INTR) {
    error = "the table changed during the dump (NLM_F_DUMP_INTR)";
  } else if (message->nlmsg_type == NLMSG_OVERRUN) {
    error = "messages of the dump were lost (NLMSG_OVERRUN)";
  } else if (message->nlmsg_type == NLMSG_ERROR || message->nlmsg_type == NLMSG_DONE) {
    if (mnl_nlmsg_get_payload_len(message) >= sizeof code) {
      std::memcpy(&code, mnl_nlmsg_get_payload(message), sizeof code);
    }
    // An error of 0 is an acknowledgement.
    if (code >= 0) return message->nlmsg_type == NLMSG_DONE ? DumpProgress::complete : DumpProgress::more;
    error = std::string("the kernel refused the dump: ") + std::strerror(-code);
  } else {
    return DumpProgress::more;
  }
  return DumpProgress::failed;
}

void Dump::start(std::vector<char> request) {
  reader_.start(std::move(request));
  running_ = true;
}

DumpProgress Dump::nothing_there() {
  if (!reader_.ended()) return DumpProgress::waiting;
  error_ = reader_.error();
  if (error_.empty()) error_ = "the dump stopped without an end";
  running_ = false;
  return DumpProgress::failed;
}

}  // namespace ofe::netlink
