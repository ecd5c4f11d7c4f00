/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <windows.h>

#include "harness.h"
#include "peer.h"
#include "platform.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

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
  do { /* a process id is soon used again, and what a case that hung left behind may be there */
    snprintf(directory, capacity, "%scrtx-ctest-%lu-%u", base, GetCurrentProcessId(), count++);
  } while (!CreateDirectoryA(directory, NULL) && GetLastError() == ERROR_ALREADY_EXISTS);
  strncat(directory, "\\", capacity - strlen(directory) - 1);
}

/* A file can be opened so only if nobody has it open; and it is deleted by that. */
static bool delete_if_nobody_has_it_open(const WCHAR *path)
{
  HANDLE file = CreateFileW(path, GENERIC_READ | DELETE, 0, NULL, OPEN_EXISTING, FILE_FLAG_DELETE_ON_CLOSE, NULL);
  if (file == INVALID_HANDLE_VALUE) {
    printf("  %ls was left open: error %lu\n", path, GetLastError());
    return false;
  }
  CloseHandle(file);
  return true;
}

static bool remove_tree(const WCHAR *directory)
{
  bool closed = true;
  WIN32_FIND_DATAW entry;
  WCHAR path[2048];
  HANDLE listing;
  swprintf(path, sizeof path / sizeof path[0], L"%ls\\*", directory);
  listing = FindFirstFileW(path, &entry);
  if (listing == INVALID_HANDLE_VALUE) {
    return false;
  }
  do {
    if (wcscmp(entry.cFileName, L".") == 0 || wcscmp(entry.cFileName, L"..") == 0) {
      continue;
    }
    swprintf(path, sizeof path / sizeof path[0], L"%ls\\%ls", directory, entry.cFileName);
    if ((entry.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0) {
      closed &= remove_tree(path);
    } else {
      closed &= delete_if_nobody_has_it_open(path);
    }
  } while (FindNextFileW(listing, &entry));
  FindClose(listing);
  RemoveDirectoryW(directory);
  return closed;
}

void after_case(const char *directory)
{
  WCHAR path[2048];
  swprintf(path, sizeof path / sizeof path[0], L"\\\\?\\%hs", directory); /* for paths of any length */
  path[wcslen(path) - 1] = L'\0';
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
