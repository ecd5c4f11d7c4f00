/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "race.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

uint64_t now_us(void)
{
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

static void die(const char *what)
{
  perror(what);
  exit(2);
}

/* ---- starting ---- */

static void become_worker(const struct worker *worker, const struct race *race, int input, int output)
{
  char command[PATH_BYTES], slot[16];
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (dup2(input, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0) {
    _exit(126);
  }
  snprintf(command, sizeof command, "exec %s \"$@\"", worker->share->command);
  snprintf(slot, sizeof slot, "%u", worker->slot);
  execl("/bin/sh", "sh", "-c", command, "worker", race->marker, race->store, race->board_path, slot, (char *)NULL);
  _exit(127);
}

static void start(struct worker *worker, const struct race *race)
{
  int to[2], from[2];
  if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0) {
    die("pipe");
  }
  fflush(NULL);
  worker->process = fork();
  if (worker->process == 0) {
    become_worker(worker, race, to[0], from[1]);
  }
  if (worker->process < 0) {
    die("fork");
  }
  close(to[0]);
  close(from[1]);
  fcntl(from[0], F_SETFL, O_NONBLOCK);
  worker->input = to[1];
  worker->output = from[0];
  worker->duty = IDLE;
  worker->acquired = worker->found_stale = worker->stopped = false;
  worker->line_length = 0;
}

void start_crew(struct crew *crew, struct race *race, unsigned count, struct share *shares, unsigned share_count)
{
  unsigned i;
  memset(crew->workers, 0, sizeof crew->workers);
  crew->race = race;
  crew->count = count;
  for (i = 0; i < count; i++) {
    crew->workers[i].share = &shares[i % share_count];
    crew->workers[i].slot = i + 1;
    start(&crew->workers[i], race);
  }
}

void order(struct worker *worker, enum duty duty, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  vdprintf(worker->input, format, arguments); /* if it is dead already, the next look will tell */
  va_end(arguments);
  worker->duty = duty;
  worker->acquired = worker->found_stale = false;
}

/* ---- answers ---- */

static bool begins(const char *line, const char *start)
{
  return strncmp(line, start, strlen(start)) == 0;
}

static void hear(struct crew *crew, struct worker *worker, const char *line)
{
  struct tally *tally = &crew->race->tally;
  if (begins(line, "wrong ")) {
    note_wrong(crew->race, worker->slot, line);
    return;
  }
  if (begins(line, "taken ") && worker->duty == TAKEOVER && !worker->acquired) {
    worker->acquired = true;
    worker->share->took_over++;
    tally->takeovers++;
    crew->used(crew->race, worker, line + 6);
    return;
  }
  if (begins(line, "moved ") && worker->duty == QUARANTINE) {
    tally->quarantines++;
    crew->used(crew->race, worker, line + 6);
  } else if (strcmp(line, "done") == 0 || strcmp(line, "left") == 0) {
    tally->rounds++;
    worker->share->acquired++;
    tally->left += line[0] == 'l';
  } else if (strcmp(line, "stale") == 0) {
    worker->found_stale = true;
  } else if (strcmp(line, "busy") == 0) {
    tally->busy++;
  } else if (begins(line, "late ")) {
    tally->late++;
  } else if (strcmp(line, "seen") == 0) {
    tally->inspections++;
  } else {
    note_wrong(crew->race, worker->slot, line);
  }
  worker->duty = IDLE;
}

static void take_lines(struct crew *crew, struct worker *worker)
{
  char *end;
  while ((end = memchr(worker->line, '\n', worker->line_length)) != NULL) {
    size_t length = (size_t)(end - worker->line) + 1;
    *end = '\0';
    hear(crew, worker, worker->line);
    worker->line_length -= length;
    memmove(worker->line, end + 1, worker->line_length);
  }
}

static void read_answers(struct crew *crew, struct worker *worker)
{
  for (;;) {
    size_t room = sizeof worker->line - worker->line_length;
    ssize_t got = read(worker->output, worker->line + worker->line_length, room);
    if (got <= 0) {
      return;
    }
    worker->line_length += (size_t)got;
    take_lines(crew, worker);
  }
}

/* ---- the dead ---- */

static void note_death(struct crew *crew, struct worker *worker, int status)
{
  char text[64];
  crew->race->tally.crashes++;
  crew->race->tally.rounds++;
  if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
    snprintf(text, sizeof text, "wrong worker: it ended with status %#x", (unsigned)status);
    note_wrong(crew->race, worker->slot, text);
  }
}

/* Its slot is cleared only here, before its marker can be attested: see `attest`. */
static void bury(struct crew *crew, struct worker *worker, int status)
{
  struct slot *slot = &crew->race->board->slots[worker->slot];
  read_answers(crew, worker);
  note_death(crew, worker, status);
  if (look_at(&slot->inside) != 0) {
    worker->share->acquired++;
    worker->share->crashed++;
    if (!becomes_stale(crew->race, 100)) {
      continue_all(crew, false); /* a stopped worker may be at the lock */
      crew->race->tally.dead_but_held += !becomes_stale(crew->race, 5000);
    }
    set_to(&slot->inside, 0);
  }
  close(worker->input);
  close(worker->output);
  start(worker, crew->race);
}

static void collect_the_dead(struct crew *crew)
{
  unsigned i;
  for (i = 0; i < crew->count; i++) {
    int status;
    if (waitpid(crew->workers[i].process, &status, WNOHANG) > 0) {
      bury(crew, &crew->workers[i], status);
    }
  }
}

void listen_to_crew(struct crew *crew, int milliseconds)
{
  struct pollfd polled[MOST_WORKERS];
  unsigned i;
  for (i = 0; i < crew->count; i++) {
    polled[i].fd = crew->workers[i].output;
    polled[i].events = POLLIN;
  }
  /* A hang-up is not waited for: the child of a dead worker keeps nothing open, but dies later. */
  poll(polled, crew->count, milliseconds);
  for (i = 0; i < crew->count; i++) {
    read_answers(crew, &crew->workers[i]);
  }
  collect_the_dead(crew);
  continue_all(crew, true);
}

bool is_busy(const struct crew *crew)
{
  unsigned i;
  for (i = 0; i < crew->count; i++) {
    if (crew->workers[i].duty != IDLE) {
      return true;
    }
  }
  return false;
}

/* ---- signals ---- */

/* Not between a takeover and its report: what was not reported could not be compared. */
static bool may_be_killed(const struct worker *worker)
{
  return !worker->stopped && (worker->duty == TURN || (worker->duty == TAKEOVER && worker->acquired));
}

void kill_one(struct crew *crew)
{
  struct worker *worker = &crew->workers[dice(&crew->race->random, crew->count)];
  if (may_be_killed(worker)) {
    kill(worker->process, SIGKILL);
    crew->race->tally.kills++;
  }
}

/* Prefers who is inside, since that is what a stop is for. */
static struct worker *pick_to_stop(struct crew *crew)
{
  unsigned i;
  for (i = 0; i < crew->count; i++) {
    struct worker *worker = &crew->workers[i];
    if (!worker->stopped && look_at(&crew->race->board->slots[worker->slot].inside) != 0) {
      return worker;
    }
  }
  return &crew->workers[dice(&crew->race->random, crew->count)];
}

void stop_one(struct crew *crew)
{
  struct worker *worker = pick_to_stop(crew);
  int status = 0;
  if (worker->stopped || worker->duty == IDLE || kill(worker->process, SIGSTOP) != 0) {
    return;
  }
  /* It may have died first. */
  if (waitpid(worker->process, &status, WUNTRACED) == worker->process && !WIFSTOPPED(status)) {
    bury(crew, worker, status);
    return;
  }
  worker->stopped = true;
  worker->continue_at = now_us() + 1000 + dice(&crew->race->random, 30000);
  crew->race->tally.stops++;
  if (look_at(&crew->race->board->slots[worker->slot].inside) != 0) {
    check_that_the_holder_is_safe(crew->race);
  }
}

void continue_all(struct crew *crew, bool only_due)
{
  unsigned i;
  for (i = 0; i < crew->count; i++) {
    struct worker *worker = &crew->workers[i];
    if (worker->stopped && (!only_due || now_us() >= worker->continue_at)) {
      kill(worker->process, SIGCONT);
      worker->stopped = false;
    }
  }
}

void dismiss_crew(struct crew *crew)
{
  unsigned i;
  continue_all(crew, false);
  for (i = 0; i < crew->count; i++) {
    int status = -1;
    struct worker *worker = &crew->workers[i];
    close(worker->input);
    waitpid(worker->process, &status, 0);
    read_answers(crew, worker);
    close(worker->output);
    if (status != 0) {
      note_wrong(crew->race, worker->slot, "wrong worker: it did not exit with 0");
    }
  }
}
