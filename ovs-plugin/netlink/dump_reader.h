// Receives netlink dumps on a thread of its own.
//
// The kernel walks its table inside recvmsg(2) until it has filled a message: for a small zone in a table of a million
// entries that is 0.4 s in one call, too long for a loop that has other work. The octets wait here until the loop takes
// them; when it does not, the reader stops reading, and the kernel with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace ofe::netlink {

// Of a dump: none under way; there may be more to take; nothing is there now; it was taken to its end; it failed.
enum class DumpProgress : std::uint8_t { idle, more, waiting, complete, failed };

class DumpReader {
 public:
  // protocol: NETLINK_NETFILTER, NETLINK_GENERIC (linux/netlink.h). what: named in errors, "the conntrack entries".
  DumpReader(int protocol, std::string what);
  ~DumpReader();  // waits for a recvmsg(2) under way
  DumpReader(const DumpReader&) = delete;
  DumpReader& operator=(const DumpReader&) = delete;

  // Begins a dump; request: a whole message with NLM_F_DUMP. What was left of an earlier dump is dropped.
  void start(std::vector<char> request);
  // Netlink messages received and not yet taken; empty when there are none now. Valid until pop() or start().
  std::span<const char> front();
  void pop();
  // After the last of front(): the dump ended. error(): why it failed; "" when it was received to its end.
  bool ended() const;
  std::string error() const;
  // Readable when it is worth looking: many messages wait, or the dump ended.
  int fd() const;

 private:
  struct Shared;
  std::unique_ptr<Shared> shared_;
};

}  // namespace ofe::netlink
