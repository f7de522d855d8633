#include <config.h>

/* One NetFlow row of ours on one bridge: claimed, watched, given up.
 *
 * Every change of the database is judged afresh, so that a bridge that is recreated or a row that is removed gets its
 * row back. There is one rule against fighting: a row that we held and that somebody wrote over is theirs (an exporter
 * started later takes over from an earlier one, and the earlier one leaves it alone). */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "database.h"
#include "openvswitch/poll-loop.h"
#include "openvswitch/vlog.h"
#include "smap.h"
#include "timeval.h"
#include "util.h"
#include "vswitch-idl.h"

VLOG_DEFINE_THIS_MODULE(flow_exporter_netflow);

static struct vlog_rate_limit rate_limit = VLOG_RATE_LIMIT_INIT(5, 5);

static void set_state(struct netflow_row* netflow, enum ofe_ovs_netflow_state state, const char* error) {
  free(netflow->error);
  netflow->error = nullable_xstrdup(error);
  netflow->state = state;
}

static const struct ovsrec_bridge* find_bridge(const struct ofe_ovs_db* db, const char* name) {
  const struct ovsrec_bridge* bridge;
  OVSREC_BRIDGE_FOR_EACH(bridge, db->idl) {
    if (!strcmp(bridge->name, name)) {
      return bridge;
    }
  }
  return NULL;
}

static bool is_row(const struct ovsrec_netflow* row, const struct uuid* uuid) {
  return row && uuid_equals(&row->header_.uuid, uuid);
}

static bool carries_mark(const struct ovsrec_netflow* row, const char* mark) {
  const char* value = smap_get(&row->external_ids, NETFLOW_MARK_KEY);
  return value && !strcmp(value, mark);
}

static bool is_as_wanted(const struct ovsrec_netflow* row, const struct netflow_row* netflow) {
  return carries_mark(row, netflow->mark) && row->n_targets == 1 && !strcmp(row->targets[0], netflow->target) &&
         row->active_timeout == netflow->active_timeout_s;
}

/* Goes on with the transaction under way, whose first step this also is. False while it is under way. */
static bool advance(struct netflow_row* netflow) {
  enum ovsdb_idl_txn_status status = ovsdb_idl_txn_commit(netflow->txn);
  if (status == TXN_INCOMPLETE) {
    return false;
  }
  if (status != TXN_SUCCESS && status != TXN_UNCHANGED && status != TXN_TRY_AGAIN) {
    /* TXN_TRY_AGAIN means the contents have changed or the connection was lost: both change the seqno. */
    set_state(netflow, OFE_OVS_NETFLOW_FAILED, ovsdb_idl_txn_get_error(netflow->txn));
    VLOG_WARN_RL(&rate_limit, "bridge %s: NetFlow row refused: %s", netflow->bridge, netflow->error);
  }
  ovsdb_idl_txn_destroy(netflow->txn);
  netflow->txn = NULL;
  return true;
}

/* Writes the row, a new one when `row` is NULL; fails over to another judgement if somebody was faster. */
static void write_row(struct ofe_ovs_db* db, const struct ovsrec_bridge* bridge, const struct ovsrec_netflow* row) {
  struct netflow_row* netflow = &db->netflow;
  const char* targets[] = {netflow->target};

  netflow->txn = ovsdb_idl_txn_create(db->idl);
  ovsdb_idl_txn_add_comment(netflow->txn, "%s: NetFlow of bridge %s to %s", program_name, bridge->name,
                            netflow->target);
  ovsrec_bridge_verify_netflow(bridge);
  if (row) {
    ovsrec_netflow_verify_external_ids(row);
    ovsrec_netflow_verify_targets(row);
    ovsrec_netflow_update_external_ids_setkey(row, NETFLOW_MARK_KEY, netflow->mark);
  } else {
    row = ovsrec_netflow_insert(netflow->txn);
    const struct smap external_ids = SMAP_CONST1(&external_ids, NETFLOW_MARK_KEY, netflow->mark);
    ovsrec_netflow_set_external_ids(row, &external_ids);
    ovsrec_bridge_set_netflow(bridge, row);
  }
  ovsrec_netflow_set_targets(row, targets, ARRAY_SIZE(targets));
  ovsrec_netflow_set_active_timeout(row, netflow->active_timeout_s);
  set_state(netflow, OFE_OVS_NETFLOW_PENDING, NULL);
  advance(netflow);
}

/* Starts taking the row off every bridge that has it; OVSDB then deletes it. False when no bridge has it. */
static bool remove_row(struct ofe_ovs_db* db, const struct uuid* uuid) {
  struct netflow_row* netflow = &db->netflow;
  const struct ovsrec_bridge* bridge;
  OVSREC_BRIDGE_FOR_EACH(bridge, db->idl) {
    if (is_row(bridge->netflow, uuid)) {
      if (!netflow->txn) {
        netflow->txn = ovsdb_idl_txn_create(db->idl);
        ovsdb_idl_txn_add_comment(netflow->txn, "%s: NetFlow row given up", program_name);
      }
      ovsrec_bridge_verify_netflow(bridge);
      ovsrec_bridge_set_netflow(bridge, NULL);
    }
  }
  if (!netflow->txn) {
    return false;
  }
  advance(netflow);
  return true;
}

static void judge_row(struct ofe_ovs_db* db, const struct ovsrec_bridge* bridge) {
  struct netflow_row* netflow = &db->netflow;
  const struct ovsrec_netflow* row = bridge->netflow;

  netflow->yielded = false;
  if (!row) {
    write_row(db, bridge, NULL);
  } else if (!smap_get_node(&row->external_ids, NETFLOW_MARK_KEY)) {
    set_state(netflow, OFE_OVS_NETFLOW_FOREIGN, NULL);
  } else if (is_as_wanted(row, netflow)) {
    netflow->held = true;
    netflow->row = row->header_.uuid;
    set_state(netflow, OFE_OVS_NETFLOW_ACTIVE, NULL);
  } else if (netflow->held && is_row(row, &netflow->row)) {
    netflow->yielded = true;
    set_state(netflow, OFE_OVS_NETFLOW_FOREIGN, NULL);
  } else {
    write_row(db, bridge, row); /* left by an earlier process, or by an earlier claim */
  }
}

void netflow_row_run(struct ofe_ovs_db* db) {
  struct netflow_row* netflow = &db->netflow;
  if (netflow->txn && !advance(netflow)) {
    return;
  }
  unsigned int seqno = ovsdb_idl_get_seqno(db->idl);
  if (!netflow->wanted || seqno == netflow->judged_seqno) {
    return;
  }
  netflow->judged_seqno = seqno;
  if (netflow->abandoned) {
    if (remove_row(db, &netflow->abandoned_row)) {
      return; /* its effect changes the seqno */
    }
    netflow->abandoned = false;
  }
  const struct ovsrec_bridge* bridge = find_bridge(db, netflow->bridge);
  if (bridge) {
    judge_row(db, bridge);
  } else {
    set_state(netflow, OFE_OVS_NETFLOW_PENDING, NULL);
  }
}

void netflow_row_wait(struct ofe_ovs_db* db) {
  if (db->netflow.txn) {
    ovsdb_idl_txn_wait(db->netflow.txn);
  } else if (db->netflow.wanted && db->netflow.judged_seqno != ovsdb_idl_get_seqno(db->idl)) {
    poll_immediate_wake();
  }
}

void ofe_ovs_db_netflow_claim(ofe_ovs_db* db, const char* bridge, const char* target, const char* mark,
                              int active_timeout_s) {
  struct netflow_row* netflow = &db->netflow;
  struct netflow_row next = {
      .wanted = true,
      .bridge = xstrdup(bridge),
      .target = xstrdup(target),
      .mark = xstrdup(mark),
      .active_timeout_s = active_timeout_s,
      .state = OFE_OVS_NETFLOW_PENDING,
      .abandoned = netflow->abandoned,
      .abandoned_row = netflow->abandoned_row,
  };
  if (netflow->held && !netflow->yielded && strcmp(netflow->bridge, bridge)) {
    next.abandoned = true;
    next.abandoned_row = netflow->row;
  }
  netflow_row_forget(netflow);
  *netflow = next;
}

/* The row to remove at the end: the abandoned one, or the one on our bridge that carries our mark. */
static const struct uuid* row_to_release(const struct ofe_ovs_db* db) {
  const struct netflow_row* netflow = &db->netflow;
  if (netflow->abandoned) {
    return &netflow->abandoned_row;
  }
  const struct ovsrec_bridge* bridge = find_bridge(db, netflow->bridge);
  const struct ovsrec_netflow* row = bridge ? bridge->netflow : NULL;
  if (!row || !carries_mark(row, netflow->mark)) {
    return NULL;
  }
  bool taken = netflow->held && is_row(row, &netflow->row) && !is_as_wanted(row, netflow);
  return taken ? NULL : &row->header_.uuid;
}

/* One turn: EAGAIN while there is more to do. A transaction of the claim that is still under way is waited for first:
 * its row may land at any moment. */
static int release_turn(struct ofe_ovs_db* db, bool* removing) {
  struct netflow_row* netflow = &db->netflow;
  ovsdb_idl_run(db->idl);
  if (netflow->txn && !advance(netflow)) {
    return EAGAIN;
  }
  if (*removing && netflow->state == OFE_OVS_NETFLOW_FAILED) {
    return EIO;
  }
  if (!ovsdb_idl_has_ever_connected(db->idl)) {
    return ENOTCONN;
  }
  if (!ovsdb_idl_is_connected(db->idl)) {
    return EAGAIN;
  }
  const struct uuid* uuid = row_to_release(db);
  if (!uuid) {
    return 0;
  }
  set_state(netflow, OFE_OVS_NETFLOW_PENDING, NULL);
  *removing = true;
  if (!remove_row(db, uuid)) {
    netflow->abandoned = false; /* gone; the other row is next */
    poll_immediate_wake();
  }
  return EAGAIN;
}

int ofe_ovs_db_netflow_release(ofe_ovs_db* db, int timeout_ms) {
  struct netflow_row* netflow = &db->netflow;
  if (!netflow->wanted) {
    return 0;
  }
  bool removing = false;
  long long int deadline = time_msec() + timeout_ms;
  int error;
  while ((error = release_turn(db, &removing)) == EAGAIN) {
    if (time_msec() >= deadline) {
      error = ETIMEDOUT;
      break;
    }
    ovsdb_idl_wait(db->idl);
    if (netflow->txn) {
      ovsdb_idl_txn_wait(netflow->txn);
    }
    poll_timer_wait_until(deadline);
    poll_block();
  }
  if (error) {
    VLOG_WARN("bridge %s: NetFlow row not given up (%s)", netflow->bridge,
              netflow->error ? netflow->error : ovs_strerror(error));
  }
  netflow_row_forget(netflow);
  return error;
}

void netflow_row_forget(struct netflow_row* netflow) {
  if (netflow->txn) {
    ovsdb_idl_txn_destroy(netflow->txn);
  }
  free(netflow->bridge);
  free(netflow->target);
  free(netflow->mark);
  free(netflow->error);
  *netflow = (struct netflow_row){.state = OFE_OVS_NETFLOW_OFF};
}

enum ofe_ovs_netflow_state ofe_ovs_db_netflow_state(const ofe_ovs_db* db) {
  return db->netflow.state;
}

const char* ofe_ovs_db_netflow_error(const ofe_ovs_db* db) {
  return db->netflow.error ? db->netflow.error : "";
}
