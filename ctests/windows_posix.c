/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <windows.h>

#include <aclapi.h>

#include "windows_posix.h"

enum { MAX_PATH_UNITS = 32768 };

/* The buffer is this thread's until its next call. */
static const WCHAR *wide(const char *path, int slot)
{
  static __thread WCHAR buffers[2][MAX_PATH_UNITS];
  return MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, buffers[slot], MAX_PATH_UNITS) > 0 ? buffers[slot] : L"";
}

static HANDLE open_file(const char *path, DWORD access, DWORD flags)
{
  return CreateFileW(wide(path, 0), access, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, OPEN_EXISTING,
                     flags, NULL);
}

int posix_lstat(const char *path, struct posix_stat *status)
{
  BY_HANDLE_FILE_INFORMATION information;
  uint64_t hundreds;
  HANDLE file = open_file(path, FILE_READ_ATTRIBUTES, FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT);
  BOOL told;
  if (file == INVALID_HANDLE_VALUE) {
    return -1;
  }
  told = GetFileInformationByHandle(file, &information);
  CloseHandle(file);
  if (!told) {
    return -1;
  }
  hundreds = (uint64_t)information.ftLastWriteTime.dwHighDateTime << 32 | information.ftLastWriteTime.dwLowDateTime;
  status->st_dev = 0; /* all in one directory; Wine loses the volume of a file that was renamed */
  status->st_ino = (uint64_t)information.nFileIndexHigh << 32 | information.nFileIndexLow;
  status->st_size = (int64_t)((uint64_t)information.nFileSizeHigh << 32 | information.nFileSizeLow);
  status->st_mtim.tv_sec = (time_t)(hundreds / 10000000);
  status->st_mtim.tv_nsec = (long)(hundreds % 10000000 * 100);
  status->st_mode = information.dwFileAttributes;
  return 0;
}

int posix_unlink(const char *path)
{
  static LONG count;
  WCHAR aside[MAX_PATH_UNITS];
  swprintf(aside, MAX_PATH_UNITS, L"%ls.unlinked-%lu-%ld", wide(path, 0), GetCurrentProcessId(), InterlockedIncrement(&count));
  /* First to another name: where the system does not know better, a deleted file keeps its name. */
  return MoveFileExW(wide(path, 0), aside, 0) && DeleteFileW(aside) ? 0 : -1;
}

int posix_rename(const char *from, const char *to)
{
  posix_unlink(to); /* a file that is open cannot be replaced */
  return MoveFileExW(wide(from, 0), wide(to, 1), 0) ? 0 : -1;
}

int posix_truncate(const char *path, int64_t length)
{
  LARGE_INTEGER end;
  HANDLE file = open_file(path, GENERIC_WRITE, 0);
  BOOL done;
  if (file == INVALID_HANDLE_VALUE) {
    return -1;
  }
  end.QuadPart = length;
  done = SetFilePointerEx(file, end, NULL, FILE_BEGIN) && SetEndOfFile(file);
  CloseHandle(file);
  return done ? 0 : -1;
}

int windows_host_name(char *name, size_t capacity)
{
  DWORD size = (DWORD)capacity;
  return GetComputerNameExA(ComputerNameDnsHostname, name, &size) ? 0 : -1;
}

int posix_mkdir(const char *path, unsigned mode)
{
  (void)mode;
  return CreateDirectoryW(wide(path, 0), NULL) ? 0 : -1;
}

int windows_open_to_everybody(const char *directory)
{
  BYTE everyone[SECURITY_MAX_SID_SIZE];
  DWORD size = sizeof everyone;
  EXPLICIT_ACCESSW all;
  PACL list = NULL;
  int done;
  ZeroMemory(&all, sizeof all);
  if (!CreateWellKnownSid(WinWorldSid, NULL, everyone, &size)) {
    return 0;
  }
  all.grfAccessPermissions = GENERIC_ALL;
  all.grfAccessMode = SET_ACCESS;
  all.grfInheritance = SUB_CONTAINERS_AND_OBJECTS_INHERIT;
  all.Trustee.TrusteeForm = TRUSTEE_IS_SID;
  all.Trustee.ptstrName = (WCHAR *)everyone;
  done = SetEntriesInAclW(1, &all, NULL, &list) == ERROR_SUCCESS &&
         SetNamedSecurityInfoW((WCHAR *)wide(directory, 0), SE_FILE_OBJECT,
                               DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION, NULL, NULL, list,
                               NULL) == ERROR_SUCCESS;
  LocalFree(list);
  return done;
}
