#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "ovs-plugin/config/config.h"

namespace ofe::config {
namespace {

struct Case {
  const char* text;
  std::optional<std::int64_t> ms;
};

// From the documentation and the tests of Go's time.ParseDuration.
TEST(Duration, ReadsWhatGoReads) {
  for (const Case& c : {
           Case{"0", 0},
           {"5s", 5'000},
           {"30s", 30'000},
           {"1478s", 1'478'000},
           {"-5s", -5'000},
           {"+5s", 5'000},
           {"-0", 0},
           {"5.0s", 5'000},
           {"5.6s", 5'600},
           {"5.s", 5'000},
           {".5s", 500},
           {"1.004s", 1'004},
           {"10ns", 0},
           {"11us", 0},
           {"1999us", 1},
           {"12\u00b5s", 0},
           {"12000\u03bcs", 12},
           {"13ms", 13},
           {"15m", 900'000},
           {"16h", 57'600'000},
           {"3h30m", 12'600'000},
           {"10.5s4m", 250'500},
           {"-2m3.4s", -123'400},
           {"1h2m3s4ms5us6ns", 3'723'004},
           {"39h9m14.425s", 140'954'425},
           {"0.100000000000000000000h", 360'000},
           {"0.9223372036854775807h", 3'320'413},
           {"9223372036854775807ns", std::nullopt},  // 19 digits: more than a week by far, not worth reading
           {"2562047h", 9'223'369'200'000},
           {"-1ns", -1},  // rounded down
       }) {
    EXPECT_EQ(parse_duration_ms(c.text), c.ms) << c.text;
  }
}

TEST(Duration, RefusesWhatGoRefuses) {
  for (const char* text : {"",
                           "3",
                           "-",
                           "s",
                           ".",
                           "-.",
                           ".s",
                           "+.s",
                           "5ss",
                           "5 s",
                           " 5s",
                           "1.5",
                           "1d",
                           "5S",
                           "1e3s",
                           "2562048h",
                           "9999999999999999999999s",
                           "\xffs",
                           "1\u00b5",
                           "5s;",
                           "--5s"}) {
    EXPECT_EQ(parse_duration_ms(text), std::nullopt) << text;
  }
}

TEST(Duration, TextIsShortAndReadBackTheSame) {
  EXPECT_EQ(duration_text(0), "0s");
  EXPECT_EQ(duration_text(90'000), "1m30s");
  EXPECT_EQ(duration_text(3'600'000), "1h");
  EXPECT_EQ(duration_text(300), "300ms");
  EXPECT_EQ(duration_text(1'500), "1s500ms");
  EXPECT_EQ(duration_text(-5'000), "-5s");
  std::mt19937_64 random(20260101);
  for (int i = 0; i < 2'000; ++i) {
    const auto ms = static_cast<std::int64_t>(random() % 9'000'000'000'000) >> (random() % 43);
    EXPECT_EQ(parse_duration_ms(duration_text(ms)), ms);
  }
}

}  // namespace
}  // namespace ofe::config
