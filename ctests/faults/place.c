/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The directory, as a variant wants it to be before the scenario. */
#include "faults.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FOREIGN_USER = 65534 };

static const uint8_t seed[32] = {9, 8, 7, 6, 5, 4, 3, 2, 1};

static void must(bool done, const char *what)
{
  if (!done) {
    fprintf(stderr, "the fault tests cannot go on: %s: %s\n", what, strerror(errno));
    exit(2);
  }
}

/* On a file system in memory, if there is one: a kill leaves the same behind everywhere, and the
 * syncs, of which nothing can be seen here, cost nothing there. */
bool make_directory(struct place *place)
{
  const char *base = getenv("CRTX_FAULTS_DIR");
  if (base == NULL || base[0] != '/') {
    base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
  }
  snprintf(place->directory, sizeof place->directory, "%s/crtx-faults-XXXXXX", base);
  if (mkdtemp(place->directory) == NULL) {
    return false;
  }
  snprintf(place->path, sizeof place->path, "%s/" MARKER, place->directory);
  snprintf(place->companion, sizeof place->companion, "%s/" MARKER ".flock", place->directory);
  snprintf(place->fresh, sizeof place->fresh, "%s/" MARKER ".new", place->directory);
  return true;
}

static void empty_directory(const char *directory)
{
  const struct dirent *found;
  DIR *listing = opendir(directory);
  while (listing != NULL && (found = readdir(listing)) != NULL) {
    if (found->d_name[0] != '.') {
      unlinkat(dirfd(listing), found->d_name, 0);
    }
  }
  if (listing != NULL) {
    closedir(listing);
  }
}

void remove_directory(struct place *place)
{
  empty_directory(place->directory);
  rmdir(place->directory);
}

uid_t directory_owner(const struct place *place)
{
  return place->variant.caller == FOREIGN_DIRECTORY ? (uid_t)FOREIGN_USER : geteuid();
}

static void put(const struct place *place, const char *path, const char *bytes, size_t length, mode_t mode)
{
  int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  must(file >= 0, path);
  must(write(file, bytes, length) == (ssize_t)length, path);
  must(fchmod(file, mode) == 0, path);
  if (place->variant.caller == FOREIGN_DIRECTORY) {
    must(fchown(file, directory_owner(place), (gid_t)-1) == 0, path);
  }
  close(file);
}

static void put_text(const struct place *place, const char *path, const char *text, mode_t mode)
{
  put(place, path, text, strlen(text), mode);
}

static const char marker_text[] = "cortex-restore-active-store-lock-v1\npid=4711\nhost=" HOST
                                  "\ndeployment_id=" DEPLOYMENT "\noperator_principal_id=" PRINCIPAL
                                  "\nacquired_at=2026-01-02T03:04:05+00:00\nscope=production\n"
                                  "restore_intent_blake3=" INTENT "\n";

static void put_leftover(const struct place *place)
{
  char victim[PATH_MAX];
  snprintf(victim, sizeof victim, "%s/victim", place->directory);
  switch (place->variant.leftover) {
  case HALF_MARKER:
    put(place, place->fresh, marker_text, sizeof marker_text / 2, 0644);
    break;
  case WHOLE_MARKER:
    put_text(place, place->fresh, marker_text, 0644);
    break;
  case SYMLINK:
    put_text(place, victim, "untouched", 0600);
    must(symlink("victim", place->fresh) == 0, "symlink");
    break;
  case HARD_LINK:
    put_text(place, victim, "untouched", 0600);
    must(link(victim, place->fresh) == 0, "link");
    break;
  default:
    break;
  }
}

/* Names of evidence that are taken, in whatever second of the next ones the call looks. */
static void take_names(const struct place *place)
{
  static const char *const endings[TAKEN_SETS][3] = {
      {NULL},
      {""},
      {".attestation.json"},
      {".attestation.sig"},
      {"", "-2.attestation.json", "-3.attestation.sig"},
  };
  const char *const *chosen = endings[place->variant.taken];
  time_t second, now = time(NULL);
  size_t i;
  for (second = now; chosen[0] != NULL && second < now + 6; second++) {
    char path[PATH_MAX], stamp[32];
    struct tm parts;
    gmtime_r(&second, &parts);
    strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &parts);
    for (i = 0; i < 3 && chosen[i] != NULL; i++) {
      snprintf(path, sizeof path, "%s.stale-%s%s", place->path, stamp, chosen[i]);
      put_text(place, path, "an earlier one", 0644);
    }
  }
}

static void put_old_marker(struct place *place)
{
  static char text[5000];
  size_t length = sizeof marker_text - 1;
  memcpy(text, marker_text, length);
  switch (place->variant.old_marker) {
  case TORN:
    length /= 3;
    break;
  case EMPTY:
    length = 0;
    break;
  case OVERLONG:
    memset(text + length, 'x', sizeof text - length);
    length = sizeof text;
    break;
  default:
    break;
  }
  put(place, place->path, text, length, 0644);
  if (place->variant.old_marker == TWO_NAMES) {
    must(link(place->path, place->fresh) == 0, "link");
  }
}

bool attest(struct attestation *attestation, const char *marker_path)
{
  crtx_signed_document *document = &attestation->document;
  size_t needed = 0;
  if (crtx_public_key(seed, sizeof seed, attestation->key, sizeof attestation->key, NULL) != CRTX_OK ||
      crtx_takeover_build(marker_path, DEPLOYMENT, attestation->key, sizeof attestation->key, "its holder was killed",
                          3600, 0, attestation->text, sizeof attestation->text, &needed, NULL) != CRTX_OK ||
      crtx_sign(seed, sizeof seed, (const uint8_t *)attestation->text, needed - 1, attestation->signature,
                sizeof attestation->signature, NULL) != CRTX_OK) {
    return false;
  }
  memset(document, 0, sizeof *document);
  document->struct_size = sizeof *document;
  document->payload = (const uint8_t *)attestation->text;
  document->payload_len = needed - 1;
  document->signature = attestation->signature;
  document->signature_len = sizeof attestation->signature;
  document->public_key = attestation->key;
  document->public_key_len = sizeof attestation->key;
  document->deployment_id = DEPLOYMENT;
  return true;
}

static void put_companion(const struct place *place)
{
  if (place->variant.companion != NO_COMPANION) {
    put_text(place, place->companion, "", place->variant.companion == WIDE_COMPANION ? 0664 : 0600);
  }
}

void set_up(struct place *place, const struct scenario *scenario, const struct variant *variant)
{
  place->scenario = scenario;
  place->variant = *variant;
  empty_directory(place->directory);
  if (geteuid() == 0) {
    must(chown(place->directory, directory_owner(place), (gid_t)-1) == 0, place->directory);
  }
  put_leftover(place);
  put_companion(place);
  take_names(place);
  if (scenario->beginning == FROM_STALE) {
    put_old_marker(place);
  } else if (scenario->beginning == FROM_HELD) {
    crtx_lock_options options = lock_options(variant);
    must(crtx_lock_acquire(place->path, &options, &live_holder, NULL) == CRTX_OK, "the live holder");
  }
  place->old_length = read_file(place->path, place->old_text, sizeof place->old_text);
  must(place->old_length < 0 || attest(&place->attestation, place->path), "the attestation");
  take_snapshot(place->directory, &place->before);
}

/* Whether nobody has the OS lock of the file, which need not exist. */
bool lock_is_free(const char *path)
{
  bool is_free;
  int file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (file < 0) {
    return true;
  }
  is_free = flock(file, LOCK_EX | LOCK_NB) == 0;
  close(file);
  return is_free;
}

crtx_lock_options lock_options(const struct variant *variant)
{
  crtx_lock_options options = CRTX_LOCK_OPTIONS_INIT;
  options.durability = variant->durability;
  options.deployment_id = DEPLOYMENT;
  options.operator_principal_id = PRINCIPAL;
  options.restore_intent_blake3 = INTENT;
  options.host = HOST;
  return options;
}

void describe_variant(const struct variant *variant, char *text, size_t capacity)
{
  static const char *const leftovers[] = {"", " new:half", " new:whole", " new:symlink", " new:hardlink"};
  static const char *const companions[] = {"", " companion", " companion:wide"};
  static const char *const old_markers[] = {"", " old:torn", " old:empty", " old:two-names", " old:overlong"};
  static const char *const taken_sets[] = {"", " taken:marker", " taken:json", " taken:sig", " taken:three"};
  static const char *const callers[] = {"", " umask", " foreign", " relative"};
  char refused[32] = "";
  if (variant->rename_errno != 0) {
    snprintf(refused, sizeof refused, " renameat2:%d", variant->rename_errno);
  }
  snprintf(text, capacity, "%s%s%s%s%s%s%s", variant->durability == CRTX_DURABILITY_FULL ? "full" : "crash-only",
           refused, leftovers[variant->leftover], companions[variant->companion], old_markers[variant->old_marker],
           taken_sets[variant->taken], callers[variant->caller]);
}
