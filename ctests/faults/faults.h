/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Kill everywhere, fail everywhere: a child process performs a scenario with the library while the
 * driver, its tracer, kills it at a system call, or makes the call fail, and then looks at the disk.
 *
 *   main.c      the workers that do the jobs, and the figures
 *   jobs.c      which jobs there are
 *   job.c       one job: a scenario in a variant, with every kill or failure of one kind
 *   scenario.c  what the child does, and what it reports through shared memory
 *   place.c     the directory, as a variant wants it to be before the scenario
 *   snapshot.c  what is in a directory
 *   check.c     what must hold after a kill or a failure
 *   failure.c   what must hold of a call that was made to fail
 *   trace.c     the ptrace driver; machine.c: registers and system-call numbers */
#ifndef CRTX_FAULTS_H
#define CRTX_FAULTS_H

#include <crtx.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define DEPLOYMENT "deployment:faults"
#define PRINCIPAL "operator:faults"
#define HOST "a-test-host"
#define INTENT "blake3:b5a6b3f1f9a4e2d31f9de6dd4b0ac1c6a8d9edc0a5d42b2e2b0bd0f1b0c1a2d3"
#define MARKER "store.lock"

/* ---- variants: the directory before the scenario, and how the library is called ---- */

enum leftover { NO_LEFTOVER, HALF_MARKER, WHOLE_MARKER, SYMLINK, HARD_LINK, LEFTOVERS };
enum companion { NO_COMPANION, COMPANION, WIDE_COMPANION, COMPANIONS };
enum old_marker { USUAL, TORN, EMPTY, TWO_NAMES, OVERLONG, OLD_MARKERS };
enum taken { NOTHING_TAKEN, MARKER_TAKEN, DOCUMENT_TAKEN, SIGNATURE_TAKEN, THREE_TAKEN, TAKEN_SETS };
/* Who calls, and how: with a umask that takes bits away; root in another user's directory; with a
 * path relative to the working directory. */
enum caller { PLAIN_CALLER, STRICT_UMASK, FOREIGN_DIRECTORY, RELATIVE_PATH, CALLERS };

struct variant {
  uint32_t durability;       /* CRTX_DURABILITY_* */
  int rename_errno;          /* what renameat2 always answers; 0: it works */
  enum leftover leftover;    /* what stands at PATH.new */
  enum companion companion;
  enum old_marker old_marker; /* for the scenarios that begin with a stale marker */
  enum taken taken;           /* which names of evidence are taken */
  enum caller caller;
};

void describe_variant(const struct variant *variant, char *text, size_t capacity);

/* ---- scenarios ---- */

enum { MAX_STEPS = 6 };
enum step { END, ACQUIRE, CHECK, INSPECT, LEAK, RELEASE, QUARANTINE, TAKEOVER, VERIFY };
enum beginning { FROM_FREE, FROM_STALE, FROM_HELD };

struct scenario {
  const char *name;
  enum beginning beginning;
  struct {
    enum step step;
    crtx_status expected;
    uint32_t state; /* what inspect must find, or a refused acquire; 0: not looked at */
  } steps[MAX_STEPS + 1];
};

extern const struct scenario scenarios[];
extern const size_t scenario_count;

/* What the child tells, in shared memory, so that it survives the child. */
struct step_report {
  bool begun, done;
  crtx_status status;
  crtx_error error;
  char stale_path[PATH_MAX];
};

struct report {
  volatile int armed; /* the library is at work: its system calls count */
  volatile int calm;  /* no more failures, please */
  volatile size_t step;
  struct step_report steps[MAX_STEPS];
  /* After the step that did not answer as expected: */
  bool failed, marker_there, companion_there, fresh_there, something_locked, everything_locked;
  int open_descriptors;
  crtx_status handle; /* what crtx_lock_check said: OK when the handle lives */
  crtx_status retried; /* and what a second release said */
  bool finished;
  int left_open; /* descriptors at the very end, beyond those of the beginning */
};

extern struct report *report;
extern crtx_lock live_holder; /* the driver's own lock, for the scenarios FROM_HELD */

/* ---- the place ---- */

enum { MAX_ENTRIES = 160, MAX_NAME = 96 };

struct entry {
  char name[MAX_NAME];
  ino_t inode;
  mode_t mode;
  nlink_t links;
  uid_t owner;
  uint64_t hash; /* of the bytes, or of the symlink's target */
};

struct snapshot {
  size_t count;
  struct entry entries[MAX_ENTRIES];
};

void take_snapshot(const char *directory, struct snapshot *snapshot);
const struct entry *find_entry(const struct snapshot *snapshot, const char *name);
bool same_file(const struct entry *a, const struct entry *b);
/* The whole file and a NUL; its length, or -1 if there is no such file. */
ssize_t read_file(const char *path, char *buffer, size_t capacity);

struct attestation {
  char text[4096];
  uint8_t signature[64];
  uint8_t key[32];
  crtx_signed_document document; /* points into this struct */
};

bool attest(struct attestation *attestation, const char *marker_path);

struct place {
  char directory[PATH_MAX / 4];
  char path[PATH_MAX / 2], companion[PATH_MAX / 2], fresh[PATH_MAX / 2];
  const struct scenario *scenario;
  struct variant variant;
  struct snapshot before;
  char old_text[8192];
  ssize_t old_length; /* -1: the scenario begins without a marker */
  struct attestation attestation;
};

bool make_directory(struct place *place);
void remove_directory(struct place *place);
void set_up(struct place *place, const struct scenario *scenario, const struct variant *variant);
void perform_scenario(void *place);
crtx_lock_options lock_options(const struct variant *variant);
bool lock_is_free(const char *path);
uid_t directory_owner(const struct place *place);

/* ---- the driver ---- */

/* Not an errno: a read or write that does only one byte of its work. */
enum { SHORT_TRANSFER = 10000 };

struct order {
  int rename_errno;
  long fail_at; /* the call that fails, counted from 0; -1: none */
  int fail_errno;
  bool fail_for_good; /* and all calls after it */
  long kill_at; /* 2 * call: before it, 2 * call + 1: after it; -1: never */
};

struct traced_call {
  long number;
  uint64_t arguments[6];
  char file[MAX_NAME]; /* the last part of its path, or of its descriptor's */
  size_t step;
};

struct outcome {
  pid_t child;
  bool killed, failed;
  long calls;
  struct traced_call at; /* where it was killed, or else failed */
  int wait_status;
};

/* The calls of the last run that was neither killed nor failed. */
enum { MAX_CALLS = 1024 };
extern struct traced_call undisturbed_calls[MAX_CALLS];

enum { PTRACE_DENIED = -1, PTRACE_FAILED = -2 };
int run_traced(void (*body)(void *), void *argument, const struct order *order, struct outcome *outcome);

/* machine.c */
bool touches_disk_or_lock(long number);
bool transfers_bytes(long number);
bool takes_a_name(long number);
bool set_call_number(pid_t child, long number);
bool set_call_result(pid_t child, long result);
bool set_call_length(pid_t child, long length);
const char *call_name(long number);

/* ---- the checks ---- */

/* Where the old and the new marker are; a set of these is a set of states. */
enum disk_state {
  DISK_FREE = 1,
  DISK_OLD = 2,       /* the old marker, unchanged */
  DISK_NEW = 4,       /* the child's marker, whole */
  DISK_STALE = 8,     /* the old marker quarantined, with its evidence, no other marker */
  DISK_STALE_NEW = 16 /* both */
};

/* Counts a failure of the job and prints it. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

unsigned states_after_kill(const struct scenario *scenario);
/* What the disk holds; 0 after a complaint. `evidence` counts new evidence without its marker. */
unsigned check_disk(struct place *place, pid_t child, unsigned allowed, const struct snapshot *now, int *evidence);
void check_nobody_holds(const struct place *place);
void check_aftermath(struct place *place, unsigned state, const struct snapshot *now, pid_t child, bool in_two_steps);

void check_killed(struct place *place, const struct order *order, const struct outcome *outcome);
void check_failed(struct place *place, const struct order *order, const struct outcome *outcome);
void check_undisturbed(struct place *place, const struct outcome *outcome);

/* ---- jobs ---- */

enum job_kind { KILL, FAIL, FAIL_FOR_GOOD, KILL_AFTER_FAILURE };

struct job {
  enum job_kind kind;
  const struct scenario *scenario;
  struct variant variant;
  int fail_errno;
  bool optional; /* only while kill runs are wanting */
};

struct job_result {
  bool done;
  int failures;
  long kills, injected;
};

/* jobs.c: the jobs that are always done, then the optional ones; the caller frees the array. */
struct job *all_jobs(size_t *count);

void describe_job(const struct job *job, char *text, size_t capacity);
void do_job(const struct job *job, struct place *place, struct job_result *result);

#endif
