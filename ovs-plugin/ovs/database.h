/* Shared by database.c and netflow_row.c; includes OVS's headers, so <config.h> must stand before it. */
#pragma once

#include "ovs-plugin/ovs/ovs.h"
#include "ovsdb-idl.h"
#include "uuid.h"

/* What we want of a bridge's NetFlow column, and how far that has come. */
struct netflow_row {
  bool wanted;
  char *bridge, *target, *mark;
  int active_timeout_s;

  enum ofe_ovs_netflow_state state;
  char* error;               /* in state FAILED */
  struct ovsdb_idl_txn* txn; /* under way, or NULL */
  unsigned int judged_seqno; /* contents of the database last looked at */

  bool held;    /* the row `row` has once carried exactly what we want: if it does no more, somebody took it */
  bool yielded; /* ... and they did */
  struct uuid row;
  bool abandoned; /* the claim moved to another bridge: `abandoned_row` is to go */
  struct uuid abandoned_row;
};

struct ofe_ovs_db {
  struct ovsdb_idl* idl;
  struct netflow_row netflow;
};

void netflow_row_run(struct ofe_ovs_db* db); /* after ovsdb_idl_run() */
void netflow_row_wait(struct ofe_ovs_db* db);
void netflow_row_forget(struct netflow_row*); /* frees; leaves the database alone */

/* Of NetFlow.external_ids: rows that carry it are the exporter's. */
#define NETFLOW_MARK_KEY "ovs-flow-exporter"
