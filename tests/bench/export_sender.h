// The sending side of the export rows: how each way takes one flow, as a struct or as the exporter's own, to the wire.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "tests/bench/flow_records.h"

namespace bench {

class ExportSender {
 public:
  virtual ~ExportSender() = default;
  // Flow `number` of the table.
  virtual void send(std::size_t number) = 0;
  // All of it is with the kernel (over TCP: with the other end's).
  virtual void flush() = 0;
};

// protocol: "tcp" or "udp", to a collector on 127.0.0.1.
// Ours: the flow and its names through record::encode and the exporting process; `encoded`: records made beforehand.
std::unique_ptr<ExportSender> make_our_sender(const FlowTable& table, const std::string& protocol, std::uint16_t port,
                                              bool encoded);
std::unique_ptr<ExportSender> make_fixbuf_sender(const FlowTable& table, const std::string& protocol,
                                                 const std::string& port);

}  // namespace bench
