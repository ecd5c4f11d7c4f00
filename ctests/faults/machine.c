/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Registers and system-call numbers: all that differs from processor to processor. */
#include "faults.h"

#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#if defined(__x86_64__)
#include <sys/reg.h>

static bool poke(pid_t child, int reg, long value)
{
  return ptrace(PTRACE_POKEUSER, child, (void *)(sizeof(long) * (size_t)reg), (void *)value) == 0;
}

bool set_call_number(pid_t child, long number)
{
  return poke(child, ORIG_RAX, number);
}

bool set_call_result(pid_t child, long result)
{
  return poke(child, RAX, result);
}

bool set_call_length(pid_t child, long length)
{
  return poke(child, RDX, length);
}

#elif defined(__aarch64__)
#include <asm/ptrace.h>
#include <elf.h>

#ifndef NT_ARM_SYSTEM_CALL
#define NT_ARM_SYSTEM_CALL 0x404
#endif

bool set_call_number(pid_t child, long number)
{
  int short_number = (int)number;
  struct iovec part = {&short_number, sizeof short_number};
  return ptrace(PTRACE_SETREGSET, child, (void *)NT_ARM_SYSTEM_CALL, &part) == 0;
}

static bool set_register(pid_t child, int reg, long value)
{
  struct user_pt_regs registers;
  struct iovec part = {&registers, sizeof registers};
  if (ptrace(PTRACE_GETREGSET, child, (void *)NT_PRSTATUS, &part) != 0) {
    return false;
  }
  registers.regs[reg] = (unsigned long)value;
  return ptrace(PTRACE_SETREGSET, child, (void *)NT_PRSTATUS, &part) == 0;
}

bool set_call_result(pid_t child, long result)
{
  return set_register(child, 0, result);
}

bool set_call_length(pid_t child, long length)
{
  return set_register(child, 2, length);
}

#else
#error "the fault tests know the registers of x86_64 and aarch64 only"
#endif

/* Calls that touch neither. Every other call counts, so one that the library begins to make
 * tomorrow is killed and failed too. */
bool touches_disk_or_lock(long number)
{
  static const long others[] = {
      SYS_brk,          SYS_mmap,         SYS_munmap,          SYS_mremap,      SYS_mprotect,  SYS_madvise,
      SYS_futex,        SYS_nanosleep,    SYS_clock_nanosleep, SYS_sched_yield, SYS_getpid,    SYS_gettid,
      SYS_getuid,       SYS_geteuid,      SYS_getgid,          SYS_getegid,     SYS_uname,     SYS_getrandom,
      SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn,  SYS_sigaltstack, SYS_exit_group, SYS_clock_gettime,
      SYS_restart_syscall, SYS_kill,
  };
  size_t i;
  for (i = 0; i < sizeof others / sizeof others[0]; i++) {
    if (others[i] == number) {
      return false;
    }
  }
  return true;
}

bool transfers_bytes(long number)
{
  return number == SYS_read || number == SYS_write;
}

static const struct {
  long number;
  const char *name;
  bool takes_a_name; /* its second argument is a path */
} known[] = {
    {SYS_openat, "openat", true},       {SYS_newfstatat, "newfstatat", true}, {SYS_unlinkat, "unlinkat", true},
    {SYS_renameat2, "renameat2", true}, {SYS_linkat, "linkat", true},         {SYS_statx, "statx", true},
#ifdef SYS_renameat
    {SYS_renameat, "renameat", true},
#endif
#ifdef SYS_open
    {SYS_open, "open", false},
#endif
    {SYS_close, "close", false},        {SYS_read, "read", false},            {SYS_write, "write", false},
    {SYS_fstat, "fstat", false},        {SYS_fstatfs, "fstatfs", false},      {SYS_flock, "flock", false},
    {SYS_fsync, "fsync", false},        {SYS_fdatasync, "fdatasync", false},  {SYS_fchmod, "fchmod", false},
    {SYS_fchown, "fchown", false},      {SYS_getcwd, "getcwd", false},        {SYS_lseek, "lseek", false},
    {SYS_fcntl, "fcntl", false},
};

bool takes_a_name(long number)
{
  size_t i;
  for (i = 0; i < sizeof known / sizeof known[0]; i++) {
    if (known[i].number == number) {
      return known[i].takes_a_name;
    }
  }
  return false;
}

const char *call_name(long number)
{
  size_t i;
  for (i = 0; i < sizeof known / sizeof known[0]; i++) {
    if (known[i].number == number) {
      return known[i].name;
    }
  }
  return "system call";
}
