/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The other process: this program, started again with --peer, at the other end of two pipes. */
#include <windows.h>

#include "harness.h"
#include "peer.h"

#include <stdio.h>
#include <string.h>

enum { PATIENCE_MS = 50000 };

int be_peer(const char *marker_path)
{
  HANDLE orders = GetStdHandle(STD_INPUT_HANDLE), answers = GetStdHandle(STD_ERROR_HANDLE);
  crtx_lock lock = {0};
  char order;
  DWORD length;
  while (ReadFile(orders, &order, 1, &length, NULL) && length == 1 && order != QUIT) {
    int answer = obey(order, marker_path, &lock);
    NEED_TRUE(WriteFile(answers, &answer, sizeof answer, &length, NULL) && length == sizeof answer);
  }
  end_child();
}

/* A pipe whose one end, and only that, the other process inherits. */
static void make_pipe(HANDLE *ours, HANDLE *theirs, bool they_read)
{
  SECURITY_ATTRIBUTES inherited = {sizeof inherited, NULL, TRUE};
  HANDLE reader, writer;
  NEED_TRUE(CreatePipe(&reader, &writer, &inherited, 0));
  *ours = they_read ? writer : reader;
  *theirs = they_read ? reader : writer;
  NEED_TRUE(SetHandleInformation(*ours, HANDLE_FLAG_INHERIT, 0));
}

void start_peer(struct peer *peer, const char *marker_path)
{
  STARTUPINFOA start;
  PROCESS_INFORMATION made;
  char program[MAX_PATH], command[4096];
  HANDLE orders, answers;
  make_pipe(&peer->orders, &orders, true);
  make_pipe(&peer->answers, &answers, false);
  memset(&start, 0, sizeof start);
  start.cb = sizeof start;
  start.dwFlags = STARTF_USESTDHANDLES;
  start.hStdInput = orders;
  start.hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE); /* its failed checks */
  start.hStdError = answers;
  NEED_TRUE(GetModuleFileNameA(NULL, program, sizeof program) < sizeof program);
  snprintf(command, sizeof command, "\"%s\" --peer \"%s\"", program, marker_path);
  if (!CHECK(CreateProcessA(program, command, NULL, NULL, TRUE, 0, NULL, NULL, &start, &made))) {
    printf("  error %lu\n", GetLastError());
    abandon_case();
  }
  CloseHandle(orders);
  CloseHandle(answers);
  CloseHandle(made.hThread);
  peer->process = made.hProcess;
}

void tell_peer(const struct peer *peer, enum order order)
{
  char byte = (char)order;
  DWORD length;
  CHECK(WriteFile(peer->orders, &byte, 1, &length, NULL) && length == 1);
}

int peer_answer(const struct peer *peer)
{
  int answer = -1;
  DWORD length = 0;
  if (!CHECK(ReadFile(peer->answers, &answer, sizeof answer, &length, NULL) && length == sizeof answer)) {
    return -1;
  }
  return answer;
}

int order_peer(const struct peer *peer, enum order order)
{
  tell_peer(peer, order);
  return peer_answer(peer);
}

static DWORD wait_for(struct peer *peer)
{
  DWORD code = 0;
  CHECK_INT(WaitForSingleObject(peer->process, PATIENCE_MS), WAIT_OBJECT_0);
  CHECK(GetExitCodeProcess(peer->process, &code));
  CloseHandle(peer->orders);
  CloseHandle(peer->answers);
  CloseHandle(peer->process);
  return code;
}

void end_peer(struct peer *peer)
{
  tell_peer(peer, QUIT);
  CHECK_INT(wait_for(peer), 0);
}

void kill_peer(struct peer *peer)
{
  CHECK(TerminateProcess(peer->process, 9));
  wait_for(peer);
}
