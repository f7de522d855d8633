#include "ipfix/spool.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "tests/ipfix/parsed_message.h"
#include "tests/k8s-bridge/watcher/temporary_folder.h"

namespace ipfix {
namespace {

using ipfix_test::Bytes;
namespace fs = std::filesystem;

const Template of_numbers{256, 0, {{0, 1, 8}, {0, 210, 65535}}};

Bytes record_of(std::uint64_t number, std::size_t octets) {
  Bytes record;
  for (int shift = 56; shift >= 0; shift -= 8) record.push_back(static_cast<std::uint8_t>(number >> shift));
  record.resize(std::max<std::size_t>(octets, 8), 0x5a);
  return record;
}

std::uint64_t number_of(std::span<const std::uint8_t> record) {
  return big_endian(record.first(8));
}

std::vector<std::uint64_t> counting(std::uint64_t first, std::uint64_t end) {
  std::vector<std::uint64_t> numbers;
  for (; first < end; ++first) numbers.push_back(first);
  return numbers;
}

class SpoolTest : public testing::Test {
 protected:
  std::unique_ptr<Spool> open(std::uint64_t max_octets = 8u << 20) {
    std::string error;
    auto spool = Spool::open({folder + "/one", max_octets}, error);
    EXPECT_NE(spool, nullptr) << error;
    spool->add_template(of_numbers);
    return spool;
  }
  void append(Spool& spool, std::uint64_t first, std::uint64_t end, std::size_t octets = 100) {
    for (; first < end; ++first) ASSERT_TRUE(spool.append(256, record_of(first, octets)));
  }
  // The numbers of everything there is to read, and where the last of it ends.
  std::vector<std::uint64_t> read_all(Spool& spool, std::size_t at_most = SIZE_MAX) {
    std::vector<std::uint64_t> numbers;
    while (numbers.size() < at_most) {
      const auto record = spool.read([this](const Template& definition) { return adopt(definition); });
      if (!record) break;
      numbers.push_back(number_of(record->octets));
      read_end = record->end;
      left_before += record->left_before;
      of_earlier += record->of_earlier;
      ids.push_back(record->template_id);
    }
    return numbers;
  }
  std::optional<std::uint16_t> adopt(const Template& definition) {
    adopted.push_back(definition);
    return adopt_as;
  }
  std::vector<fs::path> segments() const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(folder + "/one")) {
      if (entry.path().extension() == ".spool") found.push_back(entry.path());
    }
    std::ranges::sort(found);
    return found;
  }

  const ofe::watcher::TemporaryFolder temporary;
  const std::string folder = temporary.path();
  std::uint64_t read_end = 0;
  std::size_t left_before = 0, of_earlier = 0;
  std::vector<std::uint16_t> ids;
  std::vector<Template> adopted;
  std::optional<std::uint16_t> adopt_as = 256;
};

TEST_F(SpoolTest, GivesBackWhatItTookInOrder) {
  auto spool = open();
  append(*spool, 0, 100);
  EXPECT_TRUE(read_all(*spool).empty()) << "not committed";
  ASSERT_TRUE(spool->commit());
  EXPECT_EQ(read_all(*spool, 10), counting(0, 10));
  append(*spool, 100, 20'000, 300);  // many blocks, several segments
  ASSERT_TRUE(spool->commit());
  EXPECT_FALSE(spool->caught_up());
  EXPECT_EQ(read_all(*spool), counting(10, 20'000));
  EXPECT_TRUE(spool->caught_up());
  EXPECT_GT(segments().size(), 4u);
  EXPECT_TRUE(adopted.empty()) << "its own";
}

TEST_F(SpoolTest, DoesNotReadWhatItsReaderHas) {
  auto spool = open();
  for (std::uint64_t number = 0; number < 100; ++number) {
    append(*spool, number, number + 1);
    if (number < 37) spool->pass();
  }
  EXPECT_FALSE(spool->caught_up());
  ASSERT_TRUE(spool->commit());
  EXPECT_EQ(read_all(*spool), counting(37, 100));
  append(*spool, 100, 101);
  EXPECT_FALSE(spool->caught_up());
  spool->pass();
  EXPECT_TRUE(spool->caught_up());
  ASSERT_TRUE(spool->commit());
  EXPECT_TRUE(read_all(*spool).empty());
}

TEST_F(SpoolTest, GivesTheSpaceBackOfWhatWasReleased) {
  auto spool = open(2u << 20);
  std::uint64_t number = 0;
  while (spool->append(256, record_of(number, 1'000))) ++number;
  EXPECT_GT(number, 1'900u);
  EXPECT_FALSE(spool->has_room(1'000));
  EXPECT_LE(spool->stats().octets, 2u << 20);
  ASSERT_TRUE(spool->commit());
  EXPECT_EQ(read_all(*spool, number / 2).size(), number / 2);
  spool->release(read_end);
  EXPECT_TRUE(spool->has_room(1'000));
  EXPECT_LT(spool->stats().octets, 3u << 19);
  std::uint64_t more = number;
  while (spool->append(256, record_of(more, 1'000))) ++more;
  EXPECT_GT(more, number + 700);
  ASSERT_TRUE(spool->commit());
  EXPECT_EQ(read_all(*spool), counting(number / 2, more));
}

TEST_F(SpoolTest, ASecondProcessGoesOnBehindWhatWasReleased) {
  {
    auto spool = open();
    append(*spool, 0, 5'000);
    ASSERT_TRUE(spool->commit());
    EXPECT_EQ(read_all(*spool, 1'234).size(), 1'234u);
    spool->release(read_end);
    EXPECT_EQ(read_all(*spool, 100).size(), 100u);
    spool->mark_left(read_end);
  }
  auto spool = open();
  append(*spool, 5'000, 5'010);
  ASSERT_TRUE(spool->commit());
  EXPECT_EQ(read_all(*spool), counting(1'234, 5'010));
  EXPECT_EQ(left_before, 100u);
  EXPECT_EQ(of_earlier, 5'000u - 1'234u);
  spool->release(read_end);
  spool.reset();
  EXPECT_TRUE(read_all(*open()).empty());
  EXPECT_TRUE(segments().empty());
}

TEST_F(SpoolTest, TemplatesOfAnEarlierProcessMayLeaveUnderAnotherId) {
  {
    auto spool = open();
    append(*spool, 0, 3);
    ASSERT_TRUE(spool->commit());
  }
  adopt_as = 1'024;
  auto spool = open();
  append(*spool, 3, 5);
  ASSERT_TRUE(spool->commit());
  EXPECT_EQ(read_all(*spool), counting(0, 5));
  EXPECT_EQ(ids, (std::vector<std::uint16_t>{1'024, 1'024, 1'024, 256, 256}));
  ASSERT_EQ(adopted.size(), 1u);
  EXPECT_EQ(adopted[0], of_numbers);
}

TEST_F(SpoolTest, RecordsOfATemplateThatCannotBeSentAreCounted) {
  {
    auto spool = open();
    append(*spool, 0, 3);
    ASSERT_TRUE(spool->commit());
  }
  adopt_as = std::nullopt;
  auto spool = open();
  append(*spool, 3, 5);
  ASSERT_TRUE(spool->commit());
  EXPECT_EQ(read_all(*spool), counting(3, 5));
  EXPECT_EQ(spool->stats().records_unusable, 3u);
}

TEST_F(SpoolTest, SurvivesAKilledProcess) {
  const pid_t child = fork();
  if (child == 0) {
    std::string error;
    auto spool = Spool::open({folder + "/one", 8u << 20}, error);
    spool->add_template(of_numbers);
    for (std::uint64_t number = 0; number < 3'000; ++number) {
      spool->append(256, record_of(number, 100));
      if (number % 7 == 0) spool->commit();
    }
    spool->commit();
    kill(getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(read_all(*open()), counting(0, 3'000));
}

// Every way in which a last write can be cut.
TEST_F(SpoolTest, ATornWriteCostsWhatItHeldAndNothingElse) {
  std::uintmax_t whole = 0, with_second = 0;
  {
    auto spool = open();
    append(*spool, 0, 3);
    ASSERT_TRUE(spool->commit());
    whole = fs::file_size(segments().at(0));
    append(*spool, 3, 4);
    ASSERT_TRUE(spool->commit());
    with_second = fs::file_size(segments().at(0));
  }
  const fs::path original = folder + "/original";
  fs::copy(folder + "/one", original, fs::copy_options::recursive);
  for (std::uintmax_t octets = whole; octets < with_second; ++octets) {
    fs::remove_all(folder + "/one");
    fs::copy(original, folder + "/one", fs::copy_options::recursive);
    fs::resize_file(segments().at(0), octets);
    auto spool = open();
    append(*spool, 10, 12);
    ASSERT_TRUE(spool->commit());
    ASSERT_EQ(read_all(*spool), (std::vector<std::uint64_t>{0, 1, 2, 10, 11})) << octets;
    ASSERT_EQ(spool->stats().damaged_octets, octets - whole);
    spool->release(read_end);
  }
}

TEST_F(SpoolTest, AlteredOctetsAreFoundAndTheNextSegmentIsRead) {
  {
    auto spool = open(1u << 20);
    append(*spool, 0, 3'000);
    ASSERT_TRUE(spool->commit());
  }
  ASSERT_GE(segments().size(), 3u);
  const std::string second_start = segments()[1].stem().string();
  for (std::size_t at = 0; at < 2'000; at += 13) {
    std::fstream file(segments()[0], std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    const char before = static_cast<char>(file.get());
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(before ^ 0x40));
    file.close();
    {
      auto spool = open(1u << 20);
      const auto numbers = read_all(*spool);
      ASSERT_FALSE(numbers.empty());
      EXPECT_EQ(numbers.back(), 2'999u);
      EXPECT_TRUE(std::ranges::is_sorted(numbers));
      EXPECT_GT(spool->stats().damaged_octets, 0u) << at;
      EXPECT_LT(numbers.size(), 3'000u);
    }
    std::fstream again(segments()[0], std::ios::in | std::ios::out | std::ios::binary);
    again.seekp(static_cast<std::streamoff>(at));
    again.put(before);
  }
  EXPECT_EQ(read_all(*open()), counting(0, 3'000)) << "reading alters nothing";
}

TEST_F(SpoolTest, NonsenseInTheFolderIsNoRecord) {
  fs::create_directories(folder + "/one");
  std::ofstream(folder + "/one/position") << "nonsense";
  std::ofstream(folder + "/one/ffffffffffffff00.spool") << std::string(4'096, 'x');
  std::ofstream(folder + "/one/0000000000000000.spool") << std::string(4'096, '\0');
  std::ofstream(folder + "/one/notes.spool") << "mine";
  auto spool = open();
  append(*spool, 0, 2);
  spool->commit();
  EXPECT_EQ(read_all(*spool), counting(0, 2));
  EXPECT_TRUE(fs::exists(folder + "/one/notes.spool"));
}

TEST_F(SpoolTest, OneProcessAtATime) {
  auto spool = open();
  std::string error;
  EXPECT_EQ(Spool::open({folder + "/one", 1u << 20}, error), nullptr);
  EXPECT_EQ(error, folder + "/one is in use by another process");
  std::ofstream(folder + "/file") << "x";
  EXPECT_EQ(Spool::open({folder + "/file/below", 1u << 20}, error), nullptr);
  EXPECT_NE(error.find(folder + "/file"), std::string::npos) << error;
}

TEST_F(SpoolTest, ADiskThatTakesNothingMoreIsReportedAndWrittenToLater) {
  auto spool = open();
  append(*spool, 0, 10);
  ASSERT_TRUE(spool->commit());
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto ignored = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit full{fs::file_size(segments().at(0)), before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &full);
  append(*spool, 10, 20);
  EXPECT_FALSE(spool->commit());
  EXPECT_NE(spool->stats().error.find("File too large"), std::string::npos) << spool->stats().error;
  EXPECT_EQ(spool->stats().write_errors, 1u);
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, ignored);
  EXPECT_TRUE(spool->commit());
  EXPECT_EQ(spool->stats().error, "");
  EXPECT_EQ(read_all(*spool), counting(0, 20));
}

}  // namespace
}  // namespace ipfix
