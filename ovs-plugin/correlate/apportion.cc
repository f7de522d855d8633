#include "ovs-plugin/correlate/apportion.h"

namespace ofe::correlate {

Shares::Shares(const Amount& whole, std::uint64_t members, std::uint64_t turn)
    : whole_(whole), members_(members), turn_(turn % members), left_over_(whole.packets % members) {
  weight_ = whole.packets == 0 ? members : whole.packets;
}

Amount Shares::next() {
  Amount share;
  const std::uint64_t behind_turn = (place_ + members_ - turn_) % members_;
  share.packets = whole_.packets / members_ + (behind_turn < left_over_ ? 1 : 0);
  ++place_;
  weight_given_ += whole_.packets == 0 ? 1 : share.packets;
  // 128 bits: 2^64 octets times 2^64 packets.
  const auto octets =
      static_cast<std::uint64_t>(static_cast<unsigned __int128>(whole_.octets) * weight_given_ / weight_);
  share.octets = octets - octets_given_;
  octets_given_ = octets;
  return share;
}

}  // namespace ofe::correlate
