/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The system calls of one call of the library, one by one, by ptrace. */
#include "costs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <dirent.h>
#include <unistd.h>

/* A call that the library never makes. The child makes it right before and right after. */
#define MARK SYS_getpriority

static int count_threads(void)
{
  DIR *tasks = opendir("/proc/self/task");
  int count = 0;
  struct dirent *entry;
  while (tasks != NULL && (entry = readdir(tasks)) != NULL) {
    count += entry->d_name[0] != '.';
  }
  if (tasks != NULL) {
    closedir(tasks);
  }
  return count;
}

static void child(const struct operation *operation, struct stage *stage, struct cost *cost)
{
  long before;
  if (!operation->is_first) {
    warm_up(stage);
  }
  hold_others(stage, operation->others);
  if (operation->prepare != NULL) {
    operation->prepare(stage);
  }
  if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) {
    die("ptrace");
  }
  alarm(120);
  raise(SIGSTOP);
  before = allocation_count();
  syscall(MARK, 0, 0);
  cost->status = operation->call(stage);
  syscall(MARK, 0, 0);
  cost->allocations = allocation_count() - before;
  cost->threads = count_threads();
  cost->finished = true;
  _exit(0);
}

static bool next_stop(pid_t traced, int *status)
{
  return ptrace(PTRACE_SYSCALL, traced, NULL, NULL) == 0 && waitpid(traced, status, 0) == traced;
}

/* What the allocator asks the kernel for is counted as allocations. */
static bool is_about_memory(long number)
{
  return number == SYS_brk || number == SYS_mmap || number == SYS_munmap || number == SYS_mremap ||
         number == SYS_madvise || number == SYS_mprotect;
}

/* What the C library makes of fstat differs from version to version. */
static long kind_of(const struct __ptrace_syscall_info *info)
{
  bool is_fstat = info->entry.nr == SYS_newfstatat && (info->entry.args[3] & AT_EMPTY_PATH) != 0;
  return is_fstat ? SYS_fstat : (long)info->entry.nr;
}

static void follow(pid_t traced, struct cost *cost)
{
  int status, marks = 0;
  while (next_stop(traced, &status) && WIFSTOPPED(status)) {
    struct __ptrace_syscall_info info;
    memset(&info, 0, sizeof info);
    if (WSTOPSIG(status) != (SIGTRAP | 0x80) ||
        ptrace(PTRACE_GET_SYSCALL_INFO, traced, (void *)sizeof info, &info) <= 0 ||
        info.op != PTRACE_SYSCALL_INFO_ENTRY) {
      continue;
    }
    if (info.entry.nr == MARK) {
      if (++marks == 2) {
        break;
      }
    } else if (marks == 1 && !is_about_memory((long)info.entry.nr) && cost->call_count < MAX_CALLS) {
      cost->calls[cost->call_count++] = kind_of(&info);
    }
  }
  ptrace(PTRACE_DETACH, traced, NULL, NULL);
  waitpid(traced, &status, 0);
}

bool measure(const struct operation *operation, struct stage *stage, struct cost *cost)
{
  struct cost *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pid_t traced;
  int status;
  if (shared == MAP_FAILED) {
    die("mmap");
  }
  fflush(NULL);
  traced = fork();
  if (traced == 0) {
    child(operation, stage, shared);
  }
  if (traced < 0 || waitpid(traced, &status, 0) != traced) {
    die("fork");
  }
  if (WIFSTOPPED(status) &&
      ptrace(PTRACE_SETOPTIONS, traced, NULL, (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)) == 0) {
    follow(traced, shared);
  }
  *cost = *shared;
  munmap(shared, sizeof *shared);
  if (!cost->finished) {
    fprintf(stderr, "%s: could not be measured\n", operation->name);
    return false;
  }
  if (cost->status != operation->answer) {
    fprintf(stderr, "%s: answered %s, not %s\n", operation->name, crtx_status_name(cost->status),
            crtx_status_name(operation->answer));
    return false;
  }
  return true;
}

static const struct {
  long number;
  const char *name;
} names[] = {
    {SYS_openat, "openat"},     {SYS_newfstatat, "fstatat"}, {SYS_unlinkat, "unlinkat"}, {SYS_renameat2, "renameat2"},
    {SYS_linkat, "linkat"},     {SYS_statx, "statx"},        {SYS_close, "close"},       {SYS_read, "read"},
    {SYS_write, "write"},       {SYS_fstat, "fstat"},        {SYS_fstatfs, "fstatfs"},   {SYS_flock, "flock"},
    {SYS_fsync, "fsync"},       {SYS_fdatasync, "fdatasync"}, {SYS_fchmod, "fchmod"},    {SYS_fchown, "fchown"},
    {SYS_kill, "kill"},
    {SYS_getcwd, "getcwd"},     {SYS_getpid, "getpid"},      {SYS_geteuid, "geteuid"},   {SYS_uname, "uname"},
    {SYS_getrandom, "getrandom"}, {SYS_clock_nanosleep, "nanosleep"}, {SYS_nanosleep, "nanosleep"},
    {SYS_futex, "futex"},       {SYS_sched_yield, "sched_yield"}, {SYS_getdents64, "getdents64"}, {SYS_lseek, "lseek"},
    {SYS_inotify_init1, "inotify_init1"}, {SYS_inotify_add_watch, "inotify_add_watch"}, {SYS_ppoll, "poll"},
    {SYS_prlimit64, "prlimit64"}, {SYS_sched_getaffinity, "sched_getaffinity"}, {SYS_rt_sigprocmask, "rt_sigprocmask"},
    {SYS_sync_file_range, "sync_file_range"}, {SYS_syncfs, "syncfs"},
#ifdef SYS_open
    {SYS_open, "openat"},
#endif
#ifdef SYS_poll
    {SYS_poll, "poll"},
#endif
};

const char *call_name(long number)
{
  static char unknown[32];
  size_t i;
  for (i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (names[i].number == number) {
      return names[i].name;
    }
  }
  snprintf(unknown, sizeof unknown, "call-%ld", number);
  return unknown;
}

bool is_flush(long number)
{
  return number == SYS_fsync || number == SYS_fdatasync || number == SYS_sync_file_range || number == SYS_syncfs ||
         number == SYS_sync || number == SYS_msync;
}
