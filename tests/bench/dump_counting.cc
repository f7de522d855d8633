#include "tests/bench/dump_reader.h"
#include "tests/bench/netlink_dump.h"

namespace bench {
namespace {

class CountingReader : public DumpReader {
 public:
  explicit CountingReader(std::uint16_t zone) : zone_(zone) {}
  std::size_t poll() override {
    std::size_t messages = 0;
    dump_.read(zone_, [&](const nlmsghdr*) { ++messages; });
    return messages;
  }
  std::size_t flows() const override { return 0; }

 private:
  std::uint16_t zone_;
  NetlinkDump dump_;
};

}  // namespace

std::unique_ptr<DumpReader> counting_reader(std::uint16_t zone) {
  return std::make_unique<CountingReader>(zone);
}

}  // namespace bench
