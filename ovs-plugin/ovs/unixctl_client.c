#include <config.h>

/* Commands to another daemon's control socket (ovs-vswitchd's, above all), without ever waiting for the answer:
 * OVS's own client, lib/unixctl.c, blocks until all of it has come. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jsonrpc.h"
#include "openvswitch/json.h"
#include "ovs-plugin/ovs/ovs.h"
#include "stream.h"
#include "util.h"

struct ofe_ovs_rpc {
  struct jsonrpc* jsonrpc;
  enum ofe_ovs_rpc_state state;
  int error;
  struct json* id;           /* of the request in state PENDING */
  struct jsonrpc_msg* reply; /* owns text */
  const char* text;
  size_t length;
  unsigned int octets_mark; /* jsonrpc's count (it wraps) at the last turn */
  uint64_t octets;          /* read since the call */
};

int ofe_ovs_rpc_open(const char* path, ofe_ovs_rpc** rpcp) {
  *rpcp = NULL;
  char* name = xasprintf("unix:%s", path);
  struct stream* stream;
  int error = stream_open(name, &stream, 0);
  free(name);
  if (error) {
    return error;
  }
  struct ofe_ovs_rpc* rpc = xzalloc(sizeof *rpc);
  rpc->jsonrpc = jsonrpc_open(stream);
  rpc->state = OFE_OVS_RPC_IDLE;
  *rpcp = rpc;
  return 0;
}

static void drop_answer(struct ofe_ovs_rpc* rpc) {
  json_destroy(rpc->id);
  jsonrpc_msg_destroy(rpc->reply);
  rpc->id = NULL;
  rpc->reply = NULL;
  rpc->text = NULL;
  rpc->length = 0;
}

static enum ofe_ovs_rpc_state close_connection(struct ofe_ovs_rpc* rpc, int error) {
  drop_answer(rpc);
  jsonrpc_close(rpc->jsonrpc);
  rpc->jsonrpc = NULL;
  rpc->error = error;
  return rpc->state = OFE_OVS_RPC_CLOSED;
}

int ofe_ovs_rpc_call(ofe_ovs_rpc* rpc, const char* command, const char* const argv[], size_t argc) {
  if (rpc->state == OFE_OVS_RPC_CLOSED) {
    return rpc->error;
  }
  if (rpc->state == OFE_OVS_RPC_PENDING) {
    return EBUSY;
  }
  drop_answer(rpc);
  struct json** params = argc ? xmalloc(argc * sizeof *params) : NULL;
  for (size_t i = 0; i < argc; i++) {
    params[i] = json_string_create(argv[i]);
  }
  struct jsonrpc_msg* request = jsonrpc_create_request(command, json_array_create(params, argc), &rpc->id);
  int error = jsonrpc_send(rpc->jsonrpc, request);
  if (error) {
    close_connection(rpc, error);
    return error;
  }
  rpc->octets_mark = jsonrpc_get_received_bytes(rpc->jsonrpc);
  rpc->octets = 0;
  rpc->state = OFE_OVS_RPC_PENDING;
  return 0;
}

/* Takes the message. One that answers nothing of ours is skipped, as OVS's client does. */
static enum ofe_ovs_rpc_state take_message(struct ofe_ovs_rpc* rpc, struct jsonrpc_msg* message) {
  bool answers = (message->type == JSONRPC_REPLY || message->type == JSONRPC_ERROR) && rpc->id && message->id &&
                 json_equal(rpc->id, message->id);
  if (!answers) {
    jsonrpc_msg_destroy(message);
    return rpc->state;
  }
  bool succeeded = message->type == JSONRPC_REPLY;
  const struct json* body = succeeded ? message->result : message->error;
  if (!body || body->type != JSON_STRING) {
    jsonrpc_msg_destroy(message);
    return close_connection(rpc, EPROTO);
  }
  drop_answer(rpc);
  rpc->reply = message;
  rpc->text = json_string(body);
  rpc->length = strlen(rpc->text);
  return rpc->state = succeeded ? OFE_OVS_RPC_REPLY : OFE_OVS_RPC_REFUSED;
}

enum ofe_ovs_rpc_state ofe_ovs_rpc_run(ofe_ovs_rpc* rpc) {
  if (rpc->state != OFE_OVS_RPC_IDLE && rpc->state != OFE_OVS_RPC_PENDING) {
    return rpc->state; /* an answer stands until the next call, even if the peer has left meanwhile */
  }
  jsonrpc_run(rpc->jsonrpc);

  struct jsonrpc_msg* message;
  int error = jsonrpc_recv(rpc->jsonrpc, &message); /* at most 50 reads of 4 KiB */
  if (message) {
    return take_message(rpc, message);
  }
  if (error != EAGAIN) {
    return close_connection(rpc, error);
  }
  unsigned int received = jsonrpc_get_received_bytes(rpc->jsonrpc);
  rpc->octets += received - rpc->octets_mark;
  rpc->octets_mark = received;
  return rpc->octets > OFE_OVS_RPC_MAX_OCTETS ? close_connection(rpc, EMSGSIZE) : rpc->state;
}

void ofe_ovs_rpc_wait(ofe_ovs_rpc* rpc) {
  if (rpc->state == OFE_OVS_RPC_IDLE || rpc->state == OFE_OVS_RPC_PENDING) {
    jsonrpc_wait(rpc->jsonrpc);
    jsonrpc_recv_wait(rpc->jsonrpc);
  }
}

const char* ofe_ovs_rpc_text(const ofe_ovs_rpc* rpc, size_t* length) {
  if (length) {
    *length = rpc->length;
  }
  return rpc->text ? rpc->text : "";
}

int ofe_ovs_rpc_error(const ofe_ovs_rpc* rpc) {
  return rpc->error;
}

void ofe_ovs_rpc_close(ofe_ovs_rpc* rpc) {
  if (rpc) {
    drop_answer(rpc);
    jsonrpc_close(rpc->jsonrpc);
    free(rpc);
  }
}
