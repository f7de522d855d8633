#include <config.h>

/* The part of OVSDB the exporter reads: bridges, their ports' interfaces, and who they belong to. */

#include <stdlib.h>

#include "database.h"
#include "smap.h"
#include "util.h"
#include "vswitch-idl.h"

ofe_ovs_db* ofe_ovs_db_open(const char* remote) {
  static const struct ovsdb_idl_table_class* const tables[] = {
      &ovsrec_table_open_vswitch, &ovsrec_table_bridge,  &ovsrec_table_port,
      &ovsrec_table_interface,    &ovsrec_table_netflow,
  };
  const struct ovsdb_idl_column* const columns[] = {
      &ovsrec_open_vswitch_col_bridges,   &ovsrec_open_vswitch_col_ovs_version, &ovsrec_bridge_col_name,
      &ovsrec_bridge_col_datapath_type,   &ovsrec_bridge_col_datapath_id,       &ovsrec_bridge_col_ports,
      &ovsrec_bridge_col_external_ids,    &ovsrec_bridge_col_netflow,           &ovsrec_port_col_name,
      &ovsrec_port_col_interfaces,        &ovsrec_port_col_external_ids,        &ovsrec_interface_col_name,
      &ovsrec_interface_col_type,         &ovsrec_interface_col_ofport,         &ovsrec_interface_col_ifindex,
      &ovsrec_interface_col_external_ids, &ovsrec_netflow_col_targets,          &ovsrec_netflow_col_active_timeout,
      &ovsrec_netflow_col_external_ids,
  };
  struct ofe_ovs_db* db = xzalloc(sizeof *db);
  db->idl = ovsdb_idl_create(remote, &ovsrec_idl_class, false, true);
  for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
    ovsdb_idl_add_table(db->idl, tables[i]);
  }
  for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
    ovsdb_idl_add_column(db->idl, columns[i]);
  }
  return db;
}

void ofe_ovs_db_run(ofe_ovs_db* db) {
  ovsdb_idl_run(db->idl);
  netflow_row_run(db);
}

void ofe_ovs_db_wait(ofe_ovs_db* db) {
  ovsdb_idl_wait(db->idl);
  netflow_row_wait(db);
}

void ofe_ovs_db_close(ofe_ovs_db* db) {
  if (db) {
    netflow_row_forget(&db->netflow);
    ovsdb_idl_destroy(db->idl);
    free(db);
  }
}

unsigned ofe_ovs_db_seqno(const ofe_ovs_db* db) {
  return ovsdb_idl_get_seqno(db->idl);
}

bool ofe_ovs_db_connected(const ofe_ovs_db* db) {
  return ovsdb_idl_is_connected(db->idl);
}

const char* ofe_ovs_db_ovs_version(const ofe_ovs_db* db) {
  const struct ovsrec_open_vswitch* ovs = ovsrec_open_vswitch_first(db->idl);
  return ovs && ovs->ovs_version ? ovs->ovs_version : "";
}

struct pairs {
  struct ofe_ovs_pair* items;
  size_t n, allocated;
};

/* Adds those of `map` whose key `before` lacks. */
static void add_pairs(struct pairs* pairs, const struct smap* map, const struct smap* before) {
  const struct smap_node* node;
  SMAP_FOR_EACH(node, map) {
    if (before && smap_get_node(before, node->key)) {
      continue;
    }
    if (pairs->n == pairs->allocated) {
      pairs->items = x2nrealloc(pairs->items, &pairs->allocated, sizeof *pairs->items);
    }
    pairs->items[pairs->n++] = (struct ofe_ovs_pair){.key = node->key, .value = node->value};
  }
}

static bool visit_port(const struct ovsrec_bridge* bridge, const struct ovsrec_port* port, struct pairs* pairs,
                       ofe_ovs_interface_visit* visit, void* context) {
  for (size_t i = 0; i < port->n_interfaces; i++) {
    const struct ovsrec_interface* row = port->interfaces[i];
    pairs->n = 0;
    add_pairs(pairs, &row->external_ids, NULL);
    add_pairs(pairs, &port->external_ids, &row->external_ids);
    const struct ofe_ovs_interface interface = {
        .bridge = bridge->name,
        .name = row->name,
        .type = row->type,
        .ofport = row->n_ofport ? row->ofport[0] : -1,
        .ifindex = row->n_ifindex ? row->ifindex[0] : 0,
        .external_ids = pairs->items,
        .n_external_ids = pairs->n,
    };
    if (!visit(&interface, context)) {
      return false;
    }
  }
  return true;
}

void ofe_ovs_db_each_interface(const ofe_ovs_db* db, ofe_ovs_interface_visit* visit, void* context) {
  struct pairs pairs = {0};
  bool more = true;
  const struct ovsrec_bridge* bridge;
  OVSREC_BRIDGE_FOR_EACH(bridge, db->idl) {
    for (size_t i = 0; more && i < bridge->n_ports; i++) {
      more = visit_port(bridge, bridge->ports[i], &pairs, visit, context);
    }
  }
  free(pairs.items);
}

void ofe_ovs_db_each_bridge(const ofe_ovs_db* db, ofe_ovs_bridge_visit* visit, void* context) {
  struct pairs pairs = {0};
  const struct ovsrec_bridge* row;
  OVSREC_BRIDGE_FOR_EACH(row, db->idl) {
    pairs.n = 0;
    add_pairs(&pairs, &row->external_ids, NULL);
    const struct ofe_ovs_bridge bridge = {
        .name = row->name,
        .datapath_type = row->datapath_type[0] ? row->datapath_type : "system",
        .datapath_id = row->datapath_id ? row->datapath_id : "",
        .external_ids = pairs.items,
        .n_external_ids = pairs.n,
        .has_netflow = row->netflow != NULL,
        .netflow_is_ours = row->netflow && smap_get_node(&row->netflow->external_ids, NETFLOW_MARK_KEY),
    };
    if (!visit(&bridge, context)) {
      break;
    }
  }
  free(pairs.items);
}
