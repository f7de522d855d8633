// Limits, queries, and the life of a flow's place.
#include "flowstore/store.h"

#include <algorithm>

#include "store_fixture.h"

namespace flowstore {
namespace {

TEST_F(StoreTest, AFullStoreRefusesNewFlowsAndKeepsTheLiving) {
  restart({.max_flows = 3});
  for (std::uint8_t i = 1; i <= 3; ++i) see(Seen(i));
  EXPECT_EQ(see(Seen(4)), ObserveResult::refused);
  destroy(Seen(5).with_id(1));
  EXPECT_EQ(store->stats().refused_full, 2u);
  EXPECT_EQ(store->stats().flows, 3u);
  EXPECT_EQ(store->stats().created, 3u);
  EXPECT_EQ(find(Seen(4)), nullptr);
  EXPECT_EQ(see(Seen(1)), ObserveResult::updated);
  EXPECT_TRUE(removed.empty());
}

TEST_F(StoreTest, AFullStoreGivesUpTheFlowThatEndedFirst) {
  restart({.max_flows = 3});
  for (std::uint8_t i = 1; i <= 3; ++i) see(Seen(i));
  destroy(Seen(2));
  destroy(Seen(1));
  EXPECT_EQ(see(Seen(4)), ObserveResult::created);
  ASSERT_EQ(removed.size(), 1u);
  EXPECT_EQ(removed[0].original, Seen(2).original);
  EXPECT_EQ(removed[0].exports, 0u);
  EXPECT_EQ(store->stats().evicted_ended, 1u);
  EXPECT_EQ(store->stats().flows, 3u);
  EXPECT_EQ(find(Seen(2)), nullptr);
  EXPECT_EQ(export_one().flow.original, Seen(1).original);
}

TEST_F(StoreTest, AReusedKeyFindsRoomInAFullStore) {
  restart({.max_flows = 1});
  see(Seen().with_id(1));
  EXPECT_EQ(see(Seen().with_id(2)), ObserveResult::restarted);
  EXPECT_EQ(store->stats().evicted_ended, 1u);
  EXPECT_EQ(store->stats().flows, 1u);
  EXPECT_EQ(find(Seen())->id, 2u);
  EXPECT_TRUE(export_due().empty());
}

TEST_F(StoreTest, AStoreOfNoFlowsRefusesAll) {
  restart({.max_flows = 0});
  EXPECT_EQ(see(Seen()), ObserveResult::refused);
  destroy(Seen().with_id(1));
  EXPECT_EQ(store->stats().flows, 0u);
  EXPECT_EQ(store->stats().refused_full, 2u);
}

TEST_F(StoreTest, AShortFlowDoesNotPushOutALivingOne) {
  restart({.max_flows = 2});
  see(Seen(1));
  destroy(Seen(2).with_id(1).started(after_store).counting(1));
  destroy(Seen(3).with_id(2).started(after_store).counting(2));
  EXPECT_EQ(store->stats().evicted_ended, 1u);
  EXPECT_FALSE(find(Seen(1))->ended);
  EXPECT_EQ(export_one().delta, packets(2));
}

TEST_F(StoreTest, NamesStayWithAFlowAndAreReleasedWithIt) {
  see(Seen());
  store->set_names(Seen().original, Seen().reply, 12);
  see(Seen().counting(4));
  EXPECT_EQ(find(Seen())->names, 12u);
  destroy(Seen());
  EXPECT_EQ(export_one().flow.names, 12u);
  ASSERT_EQ(removed.size(), 1u);
  EXPECT_EQ(removed[0].names, 12u);
  store->set_names(Seen().original, Seen().reply, 13);
  EXPECT_EQ(find(Seen()), nullptr);
}

TEST_F(StoreTest, ForEachVisitsLivingAndWaitingFlowsUntilToldToStop) {
  for (std::uint8_t i = 1; i <= 5; ++i) see(Seen(i));
  destroy(Seen(2));
  destroy(Seen(4));
  export_due(1);
  int visited = 0, ended = 0;
  store->for_each([&](const Flow& flow) {
    ++visited;
    ended += flow.ended;
    return true;
  });
  EXPECT_EQ(visited, 4);
  EXPECT_EQ(ended, 1);
  visited = 0;
  store->for_each([&](const Flow&) { return ++visited < 2; });
  EXPECT_EQ(visited, 2);
}

TEST_F(StoreTest, FindShowsTheLivingFlowOfAKeyRatherThanThoseThatWait) {
  see(Seen().with_id(1));
  destroy(Seen().with_id(1));
  EXPECT_TRUE(find(Seen())->ended);
  see(Seen().with_id(2));
  destroy(Seen().with_id(3));
  EXPECT_EQ(find(Seen())->id, 2u);
  EXPECT_EQ(export_due().size(), 2u);
  EXPECT_EQ(find(Seen())->id, 2u);
}

TEST_F(StoreTest, PlacesAreUsedAgain) {
  restart({.max_flows = 10});
  for (int round = 0; round < 1'000; ++round) {
    for (std::uint8_t i = 0; i < 10; ++i)
      ASSERT_EQ(see(Seen(static_cast<std::uint8_t>(round + i))), ObserveResult::created);
    store->forget_zone(1, now);
    sweep();
    ASSERT_EQ(export_due().size(), 10u);
  }
  EXPECT_EQ(store->stats().created, 10'000u);
  EXPECT_EQ(store->stats().ended, 10'000u);
  EXPECT_EQ(store->stats().exported, 10'000u);
  EXPECT_EQ(store->stats().flows, 0u);
  EXPECT_EQ(store->stats().evicted_ended, 0u);
}

}  // namespace
}  // namespace flowstore
