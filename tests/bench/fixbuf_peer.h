// libfixbuf as the peer of the IPFIX rows: the same template, the same struct.
#pragma once

#include <fixbuf/public.h>

#include <cstdint>
#include <string>

#include "tests/bench/flow_records.h"

namespace bench {

// Ends the program with what was attempted when libfixbuf says no.
void fixbuf_check(bool succeeded, const char* what, GError* error);

struct FixbufSession {
  fbSession_t* session;
  std::uint16_t internal_id, external_id;
};

// An information model with our enterprise's elements, the struct as internal template, and, for an exporter, the flow
// template. Lives until the program ends.
FixbufSession fixbuf_session(bool exporting);

// Reads messages from memory.
class FixbufDecoder {
 public:
  explicit FixbufDecoder(FlowSink& sink);
  void decode(Octets& message);

 private:
  FlowSink& sink_;
  fBuf_t* buffer_;
};

}  // namespace bench
