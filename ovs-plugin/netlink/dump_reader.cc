#include "ovs-plugin/netlink/dump_reader.h"

#include <libmnl/libmnl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>

namespace ofe::netlink {
namespace {

struct CloseSocket {
  void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
};
using Socket = std::unique_ptr<mnl_socket, CloseSocket>;

// netlink_dump() fills at most 32 KiB per message, whatever the receiver offers: about a hundred entries.
struct Piece {
  alignas(nlmsghdr) std::array<char, 32 * 1024> octets;
  std::size_t size = 0;
};
constexpr std::size_t pieces = 32;
constexpr std::size_t pieces_worth_a_look = pieces / 2;
// No message of a dump is ever this late; without a limit a lost end would hold the thread for ever.
constexpr timeval receive_timeout{10, 0};

std::string failure(const std::string& what) {
  return what + ": " + std::strerror(errno);
}

Socket open_socket(int protocol, const std::string& what, std::string& error) {
  Socket socket(mnl_socket_open2(protocol, SOCK_CLOEXEC));
  if (!socket) {
    error = failure("cannot open a netlink socket for " + what);
  } else if (mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) {
    error = failure("cannot bind the netlink socket for " + what);
  }
  ::setsockopt(socket ? mnl_socket_get_fd(socket.get()) : -1, SOL_SOCKET, SO_RCVTIMEO, &receive_timeout,
               sizeof receive_timeout);
  return error.empty() ? std::move(socket) : nullptr;
}

// False: error says why.
bool receive(mnl_socket* socket, Piece& piece, std::string& error) {
  ssize_t received;
  do {
    received = mnl_socket_recvfrom(socket, piece.octets.data(), piece.octets.size());
  } while (received < 0 && errno == EINTR);
  if (received > 0) {
    piece.size = static_cast<std::size_t>(received);
    return true;
  }
  if (received == 0) {
    error = "cannot read the dump: the socket was closed";
  } else if (errno == ENOBUFS) {
    error = "messages of the dump were lost: the socket's receive buffer was full";
  } else if (errno == ENOSPC) {
    error = "a message of the dump was longer than 32 KiB";
  } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
    error = "the kernel did not go on with the dump";
  } else {
    error = failure("cannot read the dump");
  }
  return false;
}

bool ends_dump(const Piece& piece) {
  int left = static_cast<int>(piece.size);
  const auto* message = reinterpret_cast<const nlmsghdr*>(piece.octets.data());
  for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
    if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR) return true;
  }
  return left != 0;  // cut short: whoever decodes it will say so
}

}  // namespace

struct DumpReader::Shared {
  Shared(int of_protocol, std::string of_what) : protocol(of_protocol), what(std::move(of_what)) {}

  const int protocol;
  const std::string what;
  mutable std::mutex mutex;
  std::condition_variable changed;
  // Guarded by the mutex. Pieces first_ … first_ + ready_ - 1 (modulo) are the loop's, the one after them the reader's.
  unsigned wanted = 0;  // counts starts: the reader works for the latest
  std::vector<char> request;
  std::size_t first = 0, ready = 0;
  bool ended = true;
  bool stopping = false;
  std::string error;
  // -
  std::array<Piece, pieces> ring;
  const int event = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  std::thread thread;

  void work();
  void dump(unsigned number, const std::vector<char>& asked);
  void notify() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(event, &one, sizeof one);
  }
};

void DumpReader::Shared::work() {
  unsigned done = 0;
  while (true) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return stopping || wanted != done; });
    if (stopping) return;
    done = wanted;
    const std::vector<char> asked = request;
    lock.unlock();
    dump(done, asked);
  }
}

// A socket for each dump: one that was given up may still have messages on its way, and the kernel takes no second
// request on it meanwhile.
void DumpReader::Shared::dump(unsigned number, const std::vector<char>& asked) {
  std::string problem;
  const Socket socket = open_socket(protocol, what, problem);
  if (socket && mnl_socket_sendto(socket.get(), asked.data(), asked.size()) < 0) {
    problem = failure("cannot ask for " + what);
  }
  bool over = !problem.empty();
  while (true) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return stopping || wanted != number || over || ready < pieces; });
    if (stopping || wanted != number) return;
    if (over) {
      ended = true;
      error = problem;
      return notify();
    }
    Piece& piece = ring[(first + ready) % pieces];
    lock.unlock();

    const bool received = receive(socket.get(), piece, problem);
    over = !received || ends_dump(piece);

    lock.lock();
    if (!received || stopping || wanted != number) continue;
    ++ready;
    if (ready == pieces_worth_a_look) notify();
  }
}

DumpReader::DumpReader(int protocol, std::string what) : shared_(std::make_unique<Shared>(protocol, std::move(what))) {
  // Signals are for the loop.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  shared_->thread = std::thread([shared = shared_.get()] { shared->work(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

DumpReader::~DumpReader() {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->stopping = true;
  }
  shared_->changed.notify_one();
  shared_->thread.join();
  ::close(shared_->event);
}

void DumpReader::start(std::vector<char> request) {
  Shared& in = *shared_;
  {
    const std::lock_guard lock(in.mutex);
    ++in.wanted;
    in.request = std::move(request);
    in.first = (in.first + in.ready) % pieces;  // the reader may still be writing to the one after them, no further
    in.ready = 0;
    in.ended = false;
    in.error.clear();
  }
  in.changed.notify_one();
}

std::span<const char> DumpReader::front() {
  Shared& in = *shared_;
  std::uint64_t count = 0;
  const std::lock_guard lock(in.mutex);
  if (in.ready == 0) {
    [[maybe_unused]] const auto read = ::read(in.event, &count, sizeof count);
    return {};
  }
  return std::span<const char>(in.ring[in.first].octets).first(in.ring[in.first].size);
}

void DumpReader::pop() {
  Shared& in = *shared_;
  const std::lock_guard lock(in.mutex);
  in.first = (in.first + 1) % pieces;
  --in.ready;
  // A reader that found no room sleeps until half of it is free: no switch of threads for every piece.
  if (in.ready == pieces_worth_a_look) in.changed.notify_one();
}

bool DumpReader::ended() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->ended && shared_->ready == 0;
}

std::string DumpReader::error() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->error;
}

int DumpReader::fd() const {
  return shared_->event;
}

}  // namespace ofe::netlink
