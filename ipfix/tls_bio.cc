#include "ipfix/tls_bio.h"

#include <openssl/bio.h>
#include <sys/socket.h>

#include <cerrno>

namespace ipfix {
namespace {

TlsBioPeer& peer_of(BIO* bio) {
  return *static_cast<TlsBioPeer*>(BIO_get_data(bio));
}

int write_to_peer(BIO* bio, const char* data, std::size_t octets, std::size_t* written) {
  BIO_clear_retry_flags(bio);
  TlsBioPeer& peer = peer_of(bio);
  const IoResult result = peer.socket.TcpSocket::send({reinterpret_cast<const std::uint8_t*>(data), octets});
  *written = result.octets;
  if (result.status == IoStatus::blocked) BIO_set_retry_write(bio);
  if (result.status == IoStatus::failed) peer.error = result.error;
  return result.status == IoStatus::done ? 1 : 0;
}

int read_from_peer(BIO* bio, char* data, std::size_t octets, std::size_t* read) {
  BIO_clear_retry_flags(bio);
  TlsBioPeer& peer = peer_of(bio);
  ssize_t received = 0;
  do {
    received = recv(peer.socket.fd(), data, octets, MSG_DONTWAIT);
  } while (received < 0 && errno == EINTR);
  *read = received > 0 ? static_cast<std::size_t>(received) : 0;
  if (received > 0) return 1;
  if (received == 0) {
    peer.ended = true;
  } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
    BIO_set_retry_read(bio);
  } else {
    peer.error = errno;
  }
  return 0;
}

long control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_EOF) return peer_of(bio).ended ? 1 : 0;
  return command == BIO_CTRL_FLUSH ? 1 : 0;  // nothing is held back
}

const BIO_METHOD* method() {
  static const BIO_METHOD* const made = [] {
    BIO_METHOD* fresh = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "collector");
    BIO_meth_set_write_ex(fresh, write_to_peer);
    BIO_meth_set_read_ex(fresh, read_from_peer);
    BIO_meth_set_ctrl(fresh, control);
    return fresh;
  }();
  return made;
}

}  // namespace

BIO* make_tls_bio(TlsBioPeer& peer) {
  BIO* bio = BIO_new(method());
  if (bio == nullptr) return nullptr;
  BIO_set_data(bio, &peer);
  BIO_set_init(bio, 1);
  return bio;
}

}  // namespace ipfix
