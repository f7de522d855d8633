/* Plain C over libopenvswitch, usable from C++: opaque handles, plain structs, callbacks that must not throw.
 *
 * OVS's internal headers do not compile as C++; the .c files behind this header are the only ones that include them.
 * Everything runs on one thread, the one that calls ofe_ovs_poll_block(). Strings handed to callbacks or returned by
 * functions belong to the library and live until the next call on the same handle, unless said otherwise. Errors are
 * positive errno values (or OVS's EOF, -1), 0 is success; ofe_ovs_strerror() words them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Process: lib/util.h, lib/daemon.h, lib/dirs.h, openvswitch/vlog.h ------------------------------------------ */

/* Call once, first. rundir: NULL for OVS's default (or $OVS_RUNDIR). Ignores SIGPIPE. */
void ofe_ovs_init(const char* program_name, const char* rundir);
const char* ofe_ovs_rundir(void);
const char* ofe_ovs_strerror(int error);
const char* ofe_ovs_library_version(void);

struct ofe_ovs_daemon_options {
  const char* pidfile; /* NULL: none; "": the default name in the run directory */
  bool detach;
  bool no_chdir;
  bool monitor;
  const char* log_file; /* NULL: none; "": the default name in OVS's log directory */
};
/* Forks when asked to: call before any thread or socket exists. With detach, the parent waits until
 * ofe_ovs_daemonize_complete(). Returns 0 or the error of opening the log file. */
int ofe_ovs_daemonize_start(const struct ofe_ovs_daemon_options* options);
void ofe_ovs_daemonize_complete(void);

/* SIGTERM, SIGINT and SIGHUP become a request that the loop sees, instead of OVS's exit out of poll_block(). Call after
 * ofe_ovs_daemonize_start() (a monitor process must keep dying of them) and before any thread starts. Return from
 * main() or exit(): that still removes pidfile and sockets. */
void ofe_ovs_signals_install(void);
bool ofe_ovs_termination_requested(void); /* once true, stays true */
void ofe_ovs_signals_wait(void);          /* wakes the loop for it; pair with a call of the above every turn */

enum ofe_ovs_log_level {
  OFE_OVS_LOG_OFF,
  OFE_OVS_LOG_EMER,
  OFE_OVS_LOG_ERR,
  OFE_OVS_LOG_WARN,
  OFE_OVS_LOG_INFO,
  OFE_OVS_LOG_DBG
};
/* The exporter's own log lines go through OVS's vlog, so that there is one stream, one file and one level. Thread safe.
 */
void ofe_ovs_log(enum ofe_ovs_log_level level, const char* message);
/* Level of every facility (console; file when there is one) and module. */
void ofe_ovs_log_set_level(enum ofe_ovs_log_level level);

/* ---- Poll loop: openvswitch/poll-loop.h -------------------------------------------------------------------------- */

void ofe_ovs_poll_fd_wait(int fd, short events); /* poll(2) events */
void ofe_ovs_poll_timer_wait_until(int64_t monotonic_ms);
void ofe_ovs_poll_immediate_wake(void);
void ofe_ovs_poll_block(void);
int64_t ofe_ovs_monotonic_ms(void); /* CLOCK_MONOTONIC (OVS's time_msec; it does not cache it: read once per turn) */
int64_t ofe_ovs_wall_ms(void);

/* ---- unixctl server: lib/unixctl.h ------------------------------------------------------------------------------- */

typedef struct ofe_ovs_server ofe_ovs_server;
typedef struct ofe_ovs_request ofe_ovs_request;
/* argv[0] is the command's name. Reply exactly once, now or later but before the server closes, with one of the two
 * functions below. */
typedef void ofe_ovs_command(ofe_ovs_request* request, int argc, const char* const argv[], void* context);

/* path: the socket to listen on. A stale one is replaced; EADDRINUSE when somebody answers there, EEXIST when it is no
 * socket. */
int ofe_ovs_server_open(const char* path, ofe_ovs_server** server);
void ofe_ovs_server_run(ofe_ovs_server* server);
void ofe_ovs_server_wait(ofe_ovs_server* server);
void ofe_ovs_server_close(ofe_ovs_server* server); /* removes the socket */
/* Strings must live as long as the process. usage is what list-commands shows. Arguments are checked by the command.
 * Not for names OVS has already (list-commands, version, vlog/…, coverage/…); of one name, the last
 * registration holds. */
void ofe_ovs_command_register(const char* name, const char* usage, ofe_ovs_command* command, void* context);
void ofe_ovs_reply(ofe_ovs_request* request, const char* text);
void ofe_ovs_reply_error(ofe_ovs_request* request, const char* text);

/* ---- unixctl client: lib/socket-util.h --------------------------------------------------------------------------- */

/* Connects to a control socket, without blocking; the descriptor is the caller's to close. A path longer than a socket
 * address may be. EPROTO: the socket's backlog is full, try again. */
int ofe_ovs_unixctl_connect(const char* path, int* fd);

/* ---- OVSDB: lib/ovsdb-idl.h, lib/vswitch-idl.h ------------------------------------------------------------------- */

typedef struct ofe_ovs_db ofe_ovs_db;

struct ofe_ovs_pair {
  const char *key, *value;
};

struct ofe_ovs_interface {
  const char* bridge; /* name of the bridge it belongs to */
  const char* name;
  const char* type;                        /* "", "internal", "vxlan", "geneve", "patch", … */
  int64_t ofport;                          /* OpenFlow port; -1: none (yet) */
  int64_t ifindex;                         /* 0: unknown */
  const struct ofe_ovs_pair* external_ids; /* the interface's own, then those of its port that it lacks */
  size_t n_external_ids;
};

struct ofe_ovs_bridge {
  const char* name;
  const char* datapath_type; /* "system" where OVSDB has the empty string */
  const char* datapath_id;   /* "" when unset */
  const struct ofe_ovs_pair* external_ids;
  size_t n_external_ids;
  bool has_netflow;     /* a NetFlow row is configured, whosever */
  bool netflow_is_ours; /* its external_ids carry our mark (ofe_ovs_db_netflow_claim) */
};

/* remote: "unix:/var/run/openvswitch/db.sock". Connects and reconnects by itself, with backoff. */
ofe_ovs_db* ofe_ovs_db_open(const char* remote);
void ofe_ovs_db_run(ofe_ovs_db* db);
void ofe_ovs_db_wait(ofe_ovs_db* db);
/* Changes whenever the contents may have; 0 until the first snapshot arrived. */
unsigned ofe_ovs_db_seqno(const ofe_ovs_db* db);
bool ofe_ovs_db_connected(const ofe_ovs_db* db);
/* Open_vSwitch.ovs_version, "" when unknown. */
const char* ofe_ovs_db_ovs_version(const ofe_ovs_db* db);
typedef bool ofe_ovs_interface_visit(const struct ofe_ovs_interface* interface, void* context); /* false stops */
void ofe_ovs_db_each_interface(const ofe_ovs_db* db, ofe_ovs_interface_visit* visit, void* context);
typedef bool ofe_ovs_bridge_visit(const struct ofe_ovs_bridge* bridge, void* context);
void ofe_ovs_db_each_bridge(const ofe_ovs_db* db, ofe_ovs_bridge_visit* visit, void* context);

/* Exact accounting: makes the bridge send NetFlow v5 to target ("127.0.0.1:PORT") through a NetFlow row of ours, marked
 * external_ids:ovs-flow-exporter=MARK. A row of ours that an earlier process left is taken over; a row of someone else
 * is left alone. Asynchronous: poll ofe_ovs_db_netflow_state(). Release removes our row and only ours. */
enum ofe_ovs_netflow_state {
  OFE_OVS_NETFLOW_OFF,     /* not asked for, or released */
  OFE_OVS_NETFLOW_PENDING, /* transaction under way, or bridge or database not there yet */
  OFE_OVS_NETFLOW_ACTIVE,  /* the row points at our target */
  OFE_OVS_NETFLOW_FOREIGN, /* someone else's row is there; respected */
  OFE_OVS_NETFLOW_FAILED   /* the database refused; ofe_ovs_db_netflow_error() says why; retried on change */
};
void ofe_ovs_db_netflow_claim(ofe_ovs_db* db, const char* bridge, const char* target, const char* mark,
                              int active_timeout_s);
/* Blocks up to timeout_ms for the transaction, for use at exit; 0 when our row is gone. */
int ofe_ovs_db_netflow_release(ofe_ovs_db* db, int timeout_ms);
enum ofe_ovs_netflow_state ofe_ovs_db_netflow_state(const ofe_ovs_db* db);
const char* ofe_ovs_db_netflow_error(const ofe_ovs_db* db);
void ofe_ovs_db_close(ofe_ovs_db* db);

#ifdef __cplusplus
}
#endif
