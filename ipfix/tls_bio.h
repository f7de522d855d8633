// OpenSSL's view of a TCP socket. Its own socket BIO writes with write(2), which raises SIGPIPE on a connection that is
// gone; a library must neither die of that nor change how the process takes signals.
#pragma once

#include <openssl/types.h>

#include "ipfix/tcp_socket.h"

namespace ipfix {

struct TlsBioPeer {
  TcpSocket& socket;
  int error = 0;       // errno of the read or write that failed
  bool ended = false;  // the collector closed its side
};

// Reads from and writes to peer.socket's descriptor, counted by that socket; peer must live longer. Freed by OpenSSL
// with the session it is given to. nullptr: out of memory.
BIO* make_tls_bio(TlsBioPeer& peer);

}  // namespace ipfix
