// Damaged copies of a valid input, for parsers that must survive anything. The seed is printed, so that a run can be
// repeated with OFE_TEST_SEED.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>
#include <span>
#include <vector>

class Mutations {
 public:
  Mutations() : random_(seed()) {}

  // Flips bits, overwrites, removes and doubles octets, or cuts the end off. Allocated exactly, so that the address
  // sanitizer notices a read past its end.
  template <class Octet>
  std::vector<Octet> damaged(std::span<const Octet> valid) {
    std::vector<Octet> copy(valid.begin(), valid.end());
    for (std::size_t times = 1 + below(4); times > 0 && !copy.empty(); --times) {
      const auto at = copy.begin() + static_cast<std::ptrdiff_t>(below(copy.size()));
      switch (below(5)) {
        case 0:
          *at = static_cast<Octet>(*at ^ 1 << below(8));
          break;
        case 1:
          *at = static_cast<Octet>(below(256));
          break;
        case 2:
          copy.erase(at);
          break;
        case 3:
          copy.insert(at, *at);
          break;
        case 4:
          copy.erase(at, copy.end());
          break;
      }
    }
    return std::vector<Octet>(copy.begin(), copy.end());
  }

  std::size_t below(std::size_t limit) { return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_); }

 private:
  static std::uint32_t seed() {
    const char* given = std::getenv("OFE_TEST_SEED");
    const std::uint32_t seed =
        given ? static_cast<std::uint32_t>(std::strtoul(given, nullptr, 0)) : std::random_device{}();
    std::cout << "OFE_TEST_SEED=" << seed << std::endl;
    return seed;
  }
  std::mt19937 random_;
};
