// Listening sockets and the connections made to them: one thread around poll(2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ipfix/collecting_process.h"
#include "ipfix/dump/finding_log.h"
#include "ipfix/dump/record_output.h"

namespace ipfix::dump {

class Listener {
 public:
  // From here on SIGINT and SIGTERM end run().
  Listener(CollectingProcess& process, FindingLog& log, RecordOutput& output);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // "tcp:192.0.2.1:4739" or "udp:[::1]:4739"; port 0: any free one. The address taken is said on standard error.
  // False: error tells what was attempted and why it failed.
  bool listen(const std::string& where, std::string& error);

  // Until SIGINT or SIGTERM, or until the output fails; then reads what has already arrived.
  void run();

 private:
  struct ListeningSocket {
    int fd = -1;
    bool is_udp = false;
  };

  // One wait and what came of it. False: nothing was ready.
  bool turn(int timeout_ms);
  void accept_connection(int listening_fd);
  void read_connection(int fd);
  void read_datagrams(int fd);
  void close_connection(int fd);

  CollectingProcess& process_;
  FindingLog& log_;
  RecordOutput& output_;
  std::vector<std::uint8_t> buffer_;
  std::vector<ListeningSocket> sockets_;
  std::map<int, CollectingProcess::SessionId> connections_;  // by descriptor
  std::int64_t now_ms_ = 0;
  std::int64_t accept_again_ms_ = 0;  // out of descriptors until then
};

}  // namespace ipfix::dump
