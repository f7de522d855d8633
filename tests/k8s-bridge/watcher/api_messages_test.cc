#include "k8s-bridge/watcher/api_messages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace ofe::watcher {
namespace {

namespace v1 = metadata::v1;
using ::testing::ElementsAre;

class WatchEventTest : public ::testing::Test {
 protected:
  WatchEvent event(const std::string& line) {
    WatchEvent event;
    EXPECT_TRUE(parse_watch_event(Kind::pod, line, parser_, event, error_)) << error_;
    return event;
  }
  std::string error_of(const std::string& line) {
    WatchEvent event;
    EXPECT_FALSE(parse_watch_event(Kind::pod, line, parser_, event, error_)) << line;
    return error_;
  }

  simdjson::dom::parser parser_;
  std::string error_;
};

TEST(ListPage, ItemsVersionAndContinue) {
  ListPage page;
  std::string error;
  ASSERT_TRUE(parse_list_page(Kind::pod,
                              R"({"kind": "PodList", "metadata": {"resourceVersion": "41", "continue": "abc"},
      "items": [{"metadata": {"name": "a", "uid": "1"}}, {"metadata": {"name": "b"}, "spec": 1}]})",
                              page, error))
      << error;
  EXPECT_EQ(page.resource_version, "41");
  EXPECT_EQ(page.continue_token, "abc");
  ASSERT_EQ(page.objects.size(), 1u);
  EXPECT_EQ(key_of(page.objects[0]), "1");
  EXPECT_THAT(page.skipped, ElementsAre("Pod default/b: spec is not an object"));
}

TEST(ListPage, EmptyListsMayHaveNoItems) {
  ListPage page;
  std::string error;
  for (const char* items : {"", R"(, "items": null)", R"(, "items": [])"}) {
    EXPECT_TRUE(parse_list_page(Kind::node, std::string(R"({"metadata": {"resourceVersion": "1"})") + items + "}", page,
                                error));
    EXPECT_TRUE(page.objects.empty());
  }
}

TEST(ListPage, WhatIsNoListSaysSo) {
  ListPage page;
  std::string error;
  EXPECT_FALSE(parse_list_page(Kind::pod, "<html>", page, error));
  EXPECT_FALSE(error.empty());
  EXPECT_FALSE(parse_list_page(Kind::pod, "{}", page, error));
  EXPECT_EQ(error, "metadata.resourceVersion is missing");
  EXPECT_FALSE(parse_list_page(Kind::pod, R"({"metadata": {"resourceVersion": "1"}, "items": {}})", page, error));
  EXPECT_EQ(error, "items is not a list");
  EXPECT_FALSE(parse_list_page(Kind::pod, "", page, error));
}

TEST_F(WatchEventTest, PutsAndRemovals) {
  const WatchEvent put =
      event(R"({"type": "MODIFIED", "object": {"metadata": {"name": "a", "uid": "1", "resourceVersion": "42"}}})");
  EXPECT_EQ(put.type, WatchEvent::Type::put);
  ASSERT_TRUE(put.object);
  EXPECT_EQ(std::get<v1::Pod>(*put.object).name(), "a");
  EXPECT_EQ(put.resource_version, "42");
  const WatchEvent removed = event(
      R"({"type": "DELETED", "object": {"metadata": {"name": "a", "uid": "1", "resourceVersion": "43"}, "spec": 9}})");
  EXPECT_EQ(removed.type, WatchEvent::Type::removed);
  EXPECT_EQ(removed.removed_key, "1");
}

TEST_F(WatchEventTest, BookmarksErrorsAndWhatIsNewer) {
  const WatchEvent bookmark = event(R"({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "99"}}})");
  EXPECT_EQ(bookmark.type, WatchEvent::Type::bookmark);
  EXPECT_EQ(bookmark.resource_version, "99");
  const WatchEvent error = event(
      R"({"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}})");
  EXPECT_EQ(error.error_code, 410u);
  EXPECT_EQ(error.error_message, "too old");
  EXPECT_EQ(event(R"({"type": "RENAMED", "object": {"metadata": {}}})").type, WatchEvent::Type::unknown);
}

TEST_F(WatchEventTest, AnObjectThatCannotBeUsedStillMovesTheVersion) {
  const WatchEvent put =
      event(R"({"type": "ADDED", "object": {"metadata": {"name": "a", "resourceVersion": "5"}, "spec": 1}})");
  EXPECT_FALSE(put.object);
  EXPECT_EQ(put.skipped, "Pod default/a: spec is not an object");
  EXPECT_EQ(put.resource_version, "5");
}

TEST_F(WatchEventTest, WhatIsNoEventSaysSo) {
  EXPECT_FALSE(error_of("{\"type\": \"ADDED\", \"obj").empty());
  EXPECT_EQ(error_of("{}"), "type is missing");
  EXPECT_EQ(error_of(R"({"type": "ADDED"})"), "object is missing");
  EXPECT_EQ(error_of(R"({"type": "ADDED", "object": 3})"), "object is not an object");
  EXPECT_EQ(error_of("[]"), "is not a JSON object");
}

TEST(StatusMessage, OfAStatusOrOfAnythingElse) {
  EXPECT_EQ(status_message(R"({"kind": "Status", "message": "pods is forbidden"})"), "pods is forbidden");
  EXPECT_EQ(status_message("upstream connect error\nmore"), "upstream connect error");
  EXPECT_EQ(status_message(""), "");
  EXPECT_EQ(status_message(std::string(5000, 'x')).size(), 300u);
}

}  // namespace
}  // namespace ofe::watcher
