// A netlink dump, message by message: the loop around DumpReader, and what the messages mean that every dump has
// (NLMSG_DONE, NLMSG_ERROR, NLMSG_OVERRUN, NLM_F_DUMP_INTR; linux/netlink.h).
//
// Templates, so that the loop and what is done with a message become one piece of code: conntrack's dump is a million
// messages of some 300 ns.
#pragma once

#include <libmnl/libmnl.h>

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "ovs-plugin/netlink/dump_reader.h"

namespace ofe::netlink {

// A message that is not of the dumped family: more, complete (NLMSG_DONE), or failed, and error says why.
DumpProgress take_control(const nlmsghdr* message, std::string& error);

// Gives `take` the family's messages in a piece of a dump, and subtracts the messages looked at from budget: whole
// pieces only, as one is a fraction of a millisecond. more, complete, or failed, and error says why.
template <class Take>
DumpProgress take_piece(std::span<const char> piece, std::size_t& budget, std::string& error, Take&& take) {
  const auto* message = reinterpret_cast<const nlmsghdr*>(piece.data());
  int left = static_cast<int>(piece.size());
  for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
    if (message->nlmsg_type >= NLMSG_MIN_TYPE && (message->nlmsg_flags & NLM_F_DUMP_INTR) == 0) [[likely]] {
      take(message);
    } else if (const DumpProgress progress = take_control(message, error); progress != DumpProgress::more) {
      return progress;
    }
    if (budget > 0) --budget;
  }
  if (left == 0) return DumpProgress::more;
  error = "a message of the dump was cut short";
  return DumpProgress::failed;
}

class Dump {
 public:
  // As of DumpReader.
  Dump(int protocol, std::string what) : reader_(protocol, std::move(what)) {}

  // Begins a dump; request: a whole message with NLM_F_DUMP. One under way is given up.
  void start(std::vector<char> request);
  bool running() const { return running_; }
  // Gives `take` the family's messages until about `budget` messages were looked at (more), none is there (waiting: for
  // fd()), or the dump is over. take(const nlmsghdr*) must not start another dump.
  template <class Take>
  DumpProgress step(std::size_t budget, Take&& take);
  const std::string& error() const { return error_; }  // after failed: why
  int fd() const { return reader_.fd(); }

 private:
  DumpProgress nothing_there();

  DumpReader reader_;
  bool running_ = false;
  std::string error_;
};

template <class Take>
DumpProgress Dump::step(std::size_t budget, Take&& take) {
  if (!running_) return DumpProgress::idle;
  while (budget > 0) {
    const std::span<const char> piece = reader_.front();
    if (piece.empty()) return nothing_there();
    const DumpProgress progress = take_piece(piece, budget, error_, take);
    reader_.pop();
    running_ = progress == DumpProgress::more;
    if (!running_) return progress;
  }
  return DumpProgress::more;
}

}  // namespace ofe::netlink
