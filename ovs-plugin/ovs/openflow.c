#include <config.h>

/* Questions over a bridge's management socket: openflow.h says what for. */

#include "openflow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "byte-order.h"
#include "openflow_actions.h"
#include "openvswitch/match.h"
#include "openvswitch/ofp-flow.h"
#include "openvswitch/ofp-group.h"
#include "openvswitch/ofp-msgs.h"
#include "openvswitch/ofp-table.h"
#include "openvswitch/ofp-util.h"
#include "openvswitch/ofpbuf.h"
#include "openvswitch/vconn.h"
#include "util.h"

struct ofe_ovs_openflow {
  struct vconn* vconn;
  enum ofe_ovs_openflow_question question;
  uint8_t table;
  bool under_way, sent;
  ovs_be32 xid; /* of the question */
  uint64_t messages, rules, undecodable;
  char* error;
  struct zone_actions actions;
};

int ofe_ovs_openflow_open(const char* socket_path, ofe_ovs_openflow** openflowp) {
  struct vconn* vconn = NULL;
  char* name = xasprintf("unix:%s", socket_path);
  int error = vconn_open(name, OFPUTIL_SUPPORTED_VERSIONS, 0, &vconn);
  free(name);
  *openflowp = NULL;
  if (!error) {
    *openflowp = xzalloc(sizeof **openflowp);
    (*openflowp)->vconn = vconn;
  }
  return error;
}

void ofe_ovs_openflow_close(ofe_ovs_openflow* openflow) {
  if (openflow) {
    vconn_close(openflow->vconn);
    zone_actions_destroy(&openflow->actions);
    free(openflow->error);
    free(openflow);
  }
}

void ofe_ovs_openflow_ask(ofe_ovs_openflow* openflow, enum ofe_ovs_openflow_question question, uint8_t table) {
  openflow->question = question;
  openflow->table = table;
  openflow->under_way = true;
  openflow->sent = false;
  openflow->messages = 0;
}

static enum ofe_ovs_openflow_progress fail(ofe_ovs_openflow* openflow, const char* what, const char* why) {
  free(openflow->error);
  openflow->error = xasprintf("%s: %s", what, why);
  openflow->under_way = false;
  return OFE_OVS_OPENFLOW_FAILED;
}

static struct ofpbuf* encode_rules_request(uint8_t table, int version) {
  struct ofputil_flow_stats_request request = {.table_id = table, .out_port = OFPP_ANY, .out_group = OFPG_ANY};
  match_init_catchall(&request.match);
  /* OpenFlow 1.0 has no registers: Open vSwitch's extension of it has. */
  return ofputil_encode_flow_stats_request(
      &request, version == OFP10_VERSION ? OFPUTIL_P_OF10_NXM : ofputil_protocol_from_ofp_version(version));
}

/* 0, EAGAIN, or what went wrong. */
static int send_question(ofe_ovs_openflow* openflow) {
  int error = vconn_connect(openflow->vconn);
  if (error) {
    return error;
  }
  int version = vconn_get_version(openflow->vconn);
  struct ofpbuf* request;
  if (openflow->question == OFE_OVS_OPENFLOW_TABLES) {
    request = ofpraw_alloc(OFPRAW_OFPST_TABLE_REQUEST, version, 0);
  } else if (openflow->question == OFE_OVS_OPENFLOW_RULES) {
    request = encode_rules_request(openflow->table, version);
  } else {
    request = ofputil_encode_group_desc_request(version, OFPG_ALL);
  }
  openflow->xid = ((struct ofp_header*)request->data)->xid;
  error = vconn_send(openflow->vconn, request);
  if (error) {
    ofpbuf_delete(request);
  } else {
    openflow->sent = true;
  }
  return error;
}

static void visit_actions(ofe_ovs_openflow* openflow, struct ofe_ovs_rule* rule, const struct ofpact* ofpacts,
                          size_t ofpacts_len, const struct ofe_ovs_openflow_visitor* visitor) {
  zone_actions_take(&openflow->actions, ofpacts, ofpacts_len);
  rule->cts = openflow->actions.cts;
  rule->n_cts = openflow->actions.n_cts;
  rule->writes = openflow->actions.writes;
  rule->n_writes = openflow->actions.n_writes;
  if (rule->n_cts || rule->n_writes) {
    visitor->rule(rule, visitor->context);
  }
}

/* A rule that this library cannot decode (of a later Open vSwitch) is passed over: every kind of flow statistics begins
 * with the length of one. */
static void take_rules(ofe_ovs_openflow* openflow, struct ofpbuf* message,
                       const struct ofe_ovs_openflow_visitor* visitor) {
  uint64_t ofpacts_stub[1024 / 8];
  struct ofpbuf ofpacts = OFPBUF_STUB_INITIALIZER(ofpacts_stub);
  enum ofpraw raw;
  if (ofpraw_pull(&raw, message)) {
    openflow->undecodable++;
    return;
  }
  while (message->size >= sizeof(ovs_be16)) {
    ovs_be16 length_be;
    memcpy(&length_be, message->data, sizeof length_be);
    const size_t length = ntohs(length_be);
    uint8_t* const next = (uint8_t*)message->data + length;
    if (!length || length > message->size) {
      openflow->undecodable++;
      break;
    }
    struct ofputil_flow_stats stats;
    ofpbuf_clear(&ofpacts);
    if (ofputil_decode_flow_stats_reply(&stats, message, false, &ofpacts)) {
      openflow->undecodable++;
    } else {
      const bool exact = stats.match.wc.masks.dl_type == OVS_BE16_MAX;
      struct ofe_ovs_rule rule = {
          .table = stats.table_id,
          .cookie = ntohll(stats.cookie),
          .priority = stats.priority,
          .eth_type = exact ? ntohs(stats.match.flow.dl_type) : 0,
      };
      openflow->rules++;
      visit_actions(openflow, &rule, stats.ofpacts, stats.ofpacts_len, visitor);
    }
    const size_t left = (uint8_t*)ofpbuf_tail(message) - next;
    message->data = next;
    message->size = left;
  }
  ofpbuf_uninit(&ofpacts);
}

static void take_groups(ofe_ovs_openflow* openflow, struct ofpbuf* message,
                        const struct ofe_ovs_openflow_visitor* visitor) {
  const enum ofp_version version = ((struct ofp_header*)message->data)->version;
  struct ofputil_group_desc group;
  int error;
  while (!(error = ofputil_decode_group_desc_reply(&group, message, version))) {
    const struct ofputil_bucket* bucket;
    LIST_FOR_EACH (bucket, list_node, &group.buckets) {
      struct ofe_ovs_rule rule = {.group = true, .group_id = group.group_id};
      visit_actions(openflow, &rule, bucket->ofpacts, bucket->ofpacts_len, visitor);
    }
    openflow->rules++;
    ofputil_uninit_group_desc(&group);
  }
  if (error != EOF) {
    openflow->undecodable++;
  }
}

static void take_tables(ofe_ovs_openflow* openflow, struct ofpbuf* message,
                        const struct ofe_ovs_openflow_visitor* visitor) {
  struct ofputil_table_stats stats;
  struct ofputil_table_features features;
  int error;
  while (!(error = ofputil_decode_table_stats_reply(message, &stats, &features))) {
    visitor->table(stats.table_id, stats.active_count, visitor->context);
  }
  if (error != EOF) {
    openflow->undecodable++;
  }
}

/* ANSWERED when the answer is complete. */
static enum ofe_ovs_openflow_progress take(ofe_ovs_openflow* openflow, struct ofpbuf* message,
                                           const struct ofe_ovs_openflow_visitor* visitor) {
  const struct ofp_header* header = message->data;
  enum ofptype type;
  if (ofptype_decode(&type, header)) {
    return fail(openflow, "OpenFlow", "a message that cannot be decoded");
  }
  if (type == OFPTYPE_ECHO_REQUEST) {
    struct ofpbuf* reply = ofputil_encode_echo_reply(header);
    if (vconn_send(openflow->vconn, reply)) {
      ofpbuf_delete(reply);
    }
  }
  if (header->xid != openflow->xid || !openflow->sent) {
    return OFE_OVS_OPENFLOW_MORE;
  }
  if (type == OFPTYPE_ERROR) {
    return fail(openflow, "OpenFlow: refused", ofperr_to_string(ofperr_decode_msg(header, NULL)));
  }
  const bool stats = type == OFPTYPE_TABLE_STATS_REPLY || type == OFPTYPE_FLOW_STATS_REPLY ||
                     type == OFPTYPE_GROUP_DESC_STATS_REPLY;
  if (!stats) {
    return OFE_OVS_OPENFLOW_MORE;
  }
  const bool more = ofpmp_more(header);
  openflow->messages++;
  if (type == OFPTYPE_FLOW_STATS_REPLY) {
    take_rules(openflow, message, visitor);
  } else if (type == OFPTYPE_GROUP_DESC_STATS_REPLY) {
    take_groups(openflow, message, visitor);
  } else {
    take_tables(openflow, message, visitor);
  }
  if (!more) {
    openflow->under_way = false;
  }
  return more ? OFE_OVS_OPENFLOW_MORE : OFE_OVS_OPENFLOW_ANSWERED;
}

enum ofe_ovs_openflow_progress ofe_ovs_openflow_run(ofe_ovs_openflow* openflow, unsigned messages,
                                                    const struct ofe_ovs_openflow_visitor* visitor) {
  if (!openflow->under_way) {
    return OFE_OVS_OPENFLOW_ANSWERED;
  }
  vconn_run(openflow->vconn);
  if (!openflow->sent) {
    int error = send_question(openflow);
    if (error && error != EAGAIN) {
      return fail(openflow, vconn_get_name(openflow->vconn), ovs_retval_to_string(error));
    }
  }
  for (unsigned i = 0; i < messages; i++) {
    struct ofpbuf* message;
    int error = vconn_recv(openflow->vconn, &message);
    if (error == EAGAIN) {
      return OFE_OVS_OPENFLOW_WAITING;
    }
    if (error) {
      return fail(openflow, vconn_get_name(openflow->vconn), ovs_retval_to_string(error));
    }
    enum ofe_ovs_openflow_progress progress = take(openflow, message, visitor);
    ofpbuf_delete(message);
    if (progress != OFE_OVS_OPENFLOW_MORE) {
      return progress;
    }
  }
  return OFE_OVS_OPENFLOW_MORE;
}

void ofe_ovs_openflow_wait(ofe_ovs_openflow* openflow) {
  vconn_run_wait(openflow->vconn);
  if (!openflow->sent) {
    vconn_connect_wait(openflow->vconn);
  }
  if (openflow->under_way) {
    vconn_recv_wait(openflow->vconn);
  }
}

const char* ofe_ovs_openflow_error(const ofe_ovs_openflow* openflow) {
  return openflow->error ? openflow->error : "";
}

bool ofe_ovs_openflow_asked(const ofe_ovs_openflow* openflow) {
  return openflow->sent;
}

uint64_t ofe_ovs_openflow_messages(const ofe_ovs_openflow* openflow) {
  return openflow->messages;
}

uint64_t ofe_ovs_openflow_rules(const ofe_ovs_openflow* openflow) {
  return openflow->rules;
}

uint64_t ofe_ovs_openflow_undecodable(const ofe_ovs_openflow* openflow) {
  return openflow->undecodable;
}
