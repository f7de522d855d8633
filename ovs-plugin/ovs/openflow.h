/* What a bridge's OpenFlow rules and groups do with connection tracking zones, read over the bridge's management socket
 * (<rundir>/<bridge>.mgmt), where ovs-vswitchd serves anyone without being configured to. Nothing is written.
 *
 * One question at a time, asked and answered without blocking; the caller decides when the next one may be asked.
 * ovs-vswitchd makes the whole answer on its main thread before it sends the first octet. */
#pragma once

#include "ovs-plugin/ovs/ovs.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where bits live that one rule writes and another reads. All registers are one space of 512 bits, as reg0, xreg0 and
 * xxreg0 are names of the same bits: reg15 is word 0, reg14 word 1, …, reg0 word 15, and a position in the space is
 * 32 × word + bit. Every other field is a space of its own. */
enum { OFE_OVS_SPACE_REGISTERS = 0 };

struct ofe_ovs_rule_ct {
  bool commit;
  int32_t zone; /* -1: the 16 bits from `position` on in `space` */
  uint16_t space;
  uint16_t position;
  const char* field; /* of these bits: "reg13", "metadata", …; "" with a zone of its own */
  bool writable;     /* rules can write the field: write actions of it are reported */
};

/* Of registers, metadata and tun_id; other fields belong to the packet and are left out. */
struct ofe_ovs_rule_write {
  uint16_t space, word;
  uint32_t mask;
  uint32_t value;   /* 0 outside mask, and when it is not constant */
  const char* from; /* NULL: constant. Else what it comes from: a field, or an action's name */
};

struct ofe_ovs_rule {
  bool group; /* bucket of a group: group_id; else a rule: table, cookie, priority */
  uint32_t group_id;
  uint8_t table;
  uint64_t cookie;
  uint16_t priority;
  uint16_t eth_type; /* matched exactly; 0: not */
  const struct ofe_ovs_rule_ct* cts;
  size_t n_cts;
  const struct ofe_ovs_rule_write* writes; /* in the order of the actions */
  size_t n_writes;
};

struct ofe_ovs_openflow_visitor {
  void (*table)(uint8_t table, uint32_t rules, void* context); /* of a question for tables */
  void (*rule)(const struct ofe_ovs_rule* rule, void* context); /* that has cts or writes */
  void* context;
};

typedef struct ofe_ovs_openflow ofe_ovs_openflow;

/* 0, or why not: ENOENT, ECONNREFUSED, … The connection is made while the first question runs. */
int ofe_ovs_openflow_open(const char* socket_path, ofe_ovs_openflow** openflow);
void ofe_ovs_openflow_close(ofe_ovs_openflow* openflow);

enum ofe_ovs_openflow_question {
  OFE_OVS_OPENFLOW_TABLES, /* how many rules each has */
  OFE_OVS_OPENFLOW_RULES,  /* of one table, or of all */
  OFE_OVS_OPENFLOW_GROUPS,
};
enum { OFE_OVS_ALL_TABLES = 0xff };
/* Not while one is under way. table: of OFE_OVS_OPENFLOW_RULES. */
void ofe_ovs_openflow_ask(ofe_ovs_openflow* openflow, enum ofe_ovs_openflow_question question, uint8_t table);

enum ofe_ovs_openflow_progress {
  OFE_OVS_OPENFLOW_MORE,    /* call again at once */
  OFE_OVS_OPENFLOW_WAITING, /* for ovs-vswitchd */
  OFE_OVS_OPENFLOW_ANSWERED,
  OFE_OVS_OPENFLOW_FAILED /* ofe_ovs_openflow_error() says why; close */
};
/* Reads at most so many messages (of at most 64 KiB each). */
enum ofe_ovs_openflow_progress ofe_ovs_openflow_run(ofe_ovs_openflow* openflow, unsigned messages,
                                                    const struct ofe_ovs_openflow_visitor* visitor);
void ofe_ovs_openflow_wait(ofe_ovs_openflow* openflow);

const char* ofe_ovs_openflow_error(const ofe_ovs_openflow* openflow);
bool ofe_ovs_openflow_asked(const ofe_ovs_openflow* openflow); /* the question has been sent */
/* Of the question under way or the last one. */
uint64_t ofe_ovs_openflow_messages(const ofe_ovs_openflow* openflow);
/* Since it was opened: rules and groups read, and those (or whole messages of them) that could not be decoded. */
uint64_t ofe_ovs_openflow_rules(const ofe_ovs_openflow* openflow);
uint64_t ofe_ovs_openflow_undecodable(const ofe_ovs_openflow* openflow);

#ifdef __cplusplus
}
#endif
