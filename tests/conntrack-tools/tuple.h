// Addresses and ports of a numbered connection, and the arithmetic that spreads them.
#pragma once

#include <cstdint>

namespace conntrack_tools {

// IPv4, all in host order.
struct Tuple {
  std::uint32_t source = 0, destination = 0;
  std::uint16_t source_port = 0, destination_port = 0;
  std::uint8_t protocol = 0;
};

constexpr std::uint32_t ipv4(unsigned a, unsigned b, unsigned c, unsigned d) {
  return a << 24 | b << 16 | c << 8 | d;
}

// A number that shows nothing of the one it was made from (the finalizer of SplitMix64).
constexpr std::uint64_t scrambled(std::uint64_t number) {
  number += 0x9e3779b97f4a7c15;
  number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9;
  number = (number ^ number >> 27) * 0x94d049bb133111eb;
  return number ^ number >> 31;
}

// Another order of the numbers below 2^bits (bits even): distinct stays distinct. A Feistel network of four rounds.
constexpr std::uint64_t permuted(std::uint64_t number, unsigned bits, std::uint64_t seed) {
  const unsigned half = bits / 2;
  const std::uint64_t mask = (std::uint64_t{1} << half) - 1;
  std::uint64_t left = number >> half & mask, right = number & mask;
  for (std::uint64_t round = 1; round <= 4; ++round) {
    const std::uint64_t mixed = left ^ (scrambled(right ^ seed << 8 ^ round << 60) & mask);
    left = right;
    right = mixed;
  }
  return left << half | right;
}

}  // namespace conntrack_tools
