/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <windows.h>

#include "harness.h"
#include "peer.h"
#include "platform.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool child;
static const char *hung_text;
static ULONGLONG deadline; /* in the system's milliseconds; 0: none */
static CRITICAL_SECTION watchdog_lock;

/* ---- processes ---- */

bool is_child(void)
{
  return child;
}

bool play_role(int argc, char **argv, int *status)
{
  if (argc != 3 || strcmp(argv[1], "--peer") != 0) {
    return false;
  }
  child = true;
  begin_child();
  *status = be_peer(argv[2]);
  return true;
}

/* ---- time ---- */

static DWORD WINAPI __attribute__((noreturn)) watch(void *unused)
{
  (void)unused;
  for (;;) {
    Sleep(200);
    EnterCriticalSection(&watchdog_lock);
    if (deadline != 0 && GetTickCount64() > deadline) {
      DWORD written;
      WriteFile(GetStdHandle(STD_OUTPUT_HANDLE), hung_text, (DWORD)strlen(hung_text), &written, NULL);
      TerminateProcess(GetCurrentProcess(), 2);
    }
    LeaveCriticalSection(&watchdog_lock);
  }
}

void arm_watchdog(unsigned seconds, const char *text)
{
  EnterCriticalSection(&watchdog_lock);
  hung_text = text;
  deadline = seconds == 0 ? 0 : GetTickCount64() + 1000ULL * seconds;
  LeaveCriticalSection(&watchdog_lock);
}

void disarm_watchdog(void)
{
  arm_watchdog(0, "");
}

void pause_ms(unsigned milliseconds)
{
  Sleep(milliseconds);
}

/* ---- cases ---- */

void before_case(char *directory, size_t capacity)
{
  static unsigned count;
  char base[MAX_PATH];
  if (GetTempPathA(sizeof base, base) == 0) {
    exit(1);
  }
  snprintf(directory, capacity, "%scrtx-ctest-%lu-%u", base, GetCurrentProcessId(), count++);
  if (!CreateDirectoryA(directory, NULL)) {
    printf("cannot create %s: error %lu\n", directory, GetLastError());
    exit(1);
  }
  strncat(directory, "\\", capacity - strlen(directory) - 1);
}

/* A file can be opened so only if nobody has it open; and it is deleted by that. */
static bool delete_if_nobody_has_it_open(const char *path)
{
  HANDLE file = CreateFileA(path, GENERIC_READ | DELETE, 0, NULL, OPEN_EXISTING, FILE_FLAG_DELETE_ON_CLOSE, NULL);
  if (file == INVALID_HANDLE_VALUE) {
    printf("  %s was left open: error %lu\n", path, GetLastError());
    return false;
  }
  CloseHandle(file);
  return true;
}

static bool remove_tree(const char *directory)
{
  bool closed = true;
  struct dirent *entry;
  DIR *listing = opendir(directory);
  while (listing != NULL && (entry = readdir(listing)) != NULL) {
    char path[4096];
    DWORD attributes;
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
      continue;
    }
    snprintf(path, sizeof path, "%s\\%s", directory, entry->d_name);
    attributes = GetFileAttributesA(path);
    if (attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0) {
      closed &= remove_tree(path);
    } else {
      closed &= delete_if_nobody_has_it_open(path);
    }
  }
  if (listing != NULL) {
    closedir(listing);
  }
  RemoveDirectoryA(directory);
  return closed;
}

void after_case(const char *directory)
{
  char path[4096];
  snprintf(path, sizeof path, "%s", directory);
  path[strlen(path) - 1] = '\0';
  CHECK(remove_tree(path));
}

void prepare_platform(void)
{
  HANDLE thread;
  InitializeCriticalSection(&watchdog_lock);
  setvbuf(stdout, NULL, _IONBF, 0); /* the runtime has no line buffering */
  _setmode(_fileno(stdout), _O_BINARY);
  SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX);
  thread = CreateThread(NULL, 0, watch, NULL, 0, NULL);
  if (thread == NULL) {
    exit(1);
  }
  CloseHandle(thread);
}
