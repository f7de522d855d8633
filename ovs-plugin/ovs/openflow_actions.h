/* Shared by openflow.c and openflow_actions.c; includes OVS's headers, so <config.h> must stand before it. */
#pragma once

#include "openvswitch/ofp-actions.h"
#include "ovs-plugin/ovs/openflow.h"

/* What an action list does with zones; reused from rule to rule. */
struct zone_actions {
  struct ofe_ovs_rule_ct* cts;
  size_t n_cts, allocated_cts;
  struct ofe_ovs_rule_write* writes;
  size_t n_writes, allocated_writes;
};

/* Forgets what was there, then takes in the list and the lists nested in it. */
void zone_actions_take(struct zone_actions*, const struct ofpact* ofpacts, size_t ofpacts_len);
void zone_actions_destroy(struct zone_actions*);
