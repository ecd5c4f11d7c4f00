/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "demo.h"

static void make_part(const struct workspace *workspace, const char *name) {
  char path[PATH_SIZE];
  join(path, workspace->root, name);
  make_directory(path);
}

void make_workspace(struct workspace *workspace, int keep) {
  make_place(workspace->root, keep);
  make_part(workspace, "store");
  make_part(workspace, "backup");
  make_part(workspace, "elsewhere");
  join(workspace->store, workspace->root, "store/ledger.db");
  join(workspace->events, workspace->root, "store/events.jsonl");
  join(workspace->marker, workspace->root, "store/ledger.db.restore");
  join(workspace->companion, workspace->root, "store/ledger.db.restore.flock");
  join(workspace->foreign_marker, workspace->root, "elsewhere/ledger.db.restore");
  join(workspace->staged_store, workspace->root, "backup/ledger.db");
  join(workspace->staged_events, workspace->root, "backup/events.jsonl");
  join(workspace->manifest, workspace->root, "backup/manifest.json");
}
