/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The steps that call the library. */
#include "run.h"

#include <inttypes.h>
#include <string.h>

enum { LARGE = 2 << 20 };

static crtx_error error;
static char output[LARGE];
static size_t needed;

static void put_text(struct run *run, const char *name, const char *terminated)
{
  add_result(run, name, text_from(terminated));
}

/* ---- arguments ---- */

static const char *path_of(const struct run *run)
{
  return argument(run, "path").bytes;
}

static const char *optional(const struct run *run, const char *name)
{
  struct text value;
  return argument_given(run, name, &value) ? value.bytes : NULL;
}

static uint32_t flags_of(const struct run *run)
{
  struct text value;
  if (!argument_given(run, "allow", &value)) {
    return 0;
  }
  return (text_contains(value, text_from("network")) ? CRTX_ALLOW_NETWORK_FILESYSTEM : 0u) |
         (text_contains(value, text_from("shared")) ? CRTX_ALLOW_SHARED_DIRECTORY : 0u);
}

crtx_lock_options options_of(const struct run *run)
{
  struct text durability;
  crtx_lock_options options = CRTX_LOCK_OPTIONS_INIT;
  if (argument_given(run, "durability", &durability) && text_is(durability, "process-crash")) {
    options.durability = CRTX_DURABILITY_PROCESS_CRASH;
  }
  options.flags = flags_of(run);
  options.timeout_ms = (uint32_t)number_argument(run, "timeout_ms");
  options.deployment_id = argument(run, "deployment_id").bytes;
  options.operator_principal_id = argument(run, "operator_principal_id").bytes;
  options.restore_intent_blake3 = argument(run, "restore_intent_blake3").bytes;
  options.host = optional(run, "host");
  return options;
}

static crtx_signed_document document_of(const struct run *run)
{
  struct text payload = argument(run, "payload");
  struct text signature = bytes_argument(run, "signature"), key = bytes_argument(run, "public_key");
  crtx_signed_document document = CRTX_SIGNED_DOCUMENT_INIT;
  document.flags = flags_of(run);
  document.payload = (const uint8_t *)payload.bytes;
  document.payload_len = payload.length;
  document.signature = (const uint8_t *)signature.bytes;
  document.signature_len = signature.length;
  document.public_key = (const uint8_t *)key.bytes;
  document.public_key_len = key.length;
  document.deployment_id = argument(run, "deployment_id").bytes;
  document.now_unix_ns = number_argument(run, "now");
  return document;
}

static crtx_intent_expectation intent_of(const struct run *run)
{
  crtx_intent_expectation intent = CRTX_INTENT_EXPECTATION_INIT;
  intent.active_db_path = argument(run, "active_db_path").bytes;
  intent.active_event_log_path = argument(run, "active_event_log_path").bytes;
  intent.backup_manifest_blake3 = argument(run, "backup_manifest_blake3").bytes;
  intent.staged_sqlite_blake3 = argument(run, "staged_sqlite_blake3").bytes;
  intent.staged_jsonl_blake3 = argument(run, "staged_jsonl_blake3").bytes;
  return intent;
}

/* ---- the lock ---- */

static crtx_lock lock_of(const struct run *run)
{
  struct text name = argument(run, "lock");
  const struct named_lock *lock = run->locks;
  while (lock != NULL && !text_equals(lock->name, name)) {
    lock = lock->next;
  }
  if (lock == NULL) {
    stop_case(run, "no lock %s was acquired", name.bytes);
  }
  return lock->lock;
}

static void keep_lock(struct run *run, crtx_lock lock)
{
  struct named_lock *named = allocate(sizeof *named);
  named->name = argument(run, "lock");
  named->lock = lock;
  named->next = run->locks;
  run->locks = named;
}

void release_all_locks(struct run *run)
{
  for (; run->locks != NULL; run->locks = run->locks->next) {
    crtx_lock_release(run->locks->lock, NULL);
  }
}

static crtx_status call_acquire(struct run *run)
{
  crtx_lock lock = CRTX_LOCK_INIT;
  crtx_lock_options options = options_of(run);
  crtx_status status = crtx_lock_acquire(path_of(run), &options, &lock, &error);
  if (status == CRTX_OK) {
    keep_lock(run, lock);
  }
  return status;
}

static crtx_status call_check(struct run *run)
{
  return crtx_lock_check(lock_of(run), &error);
}

static crtx_status call_leak(struct run *run)
{
  return crtx_lock_leak(lock_of(run), &error);
}

static crtx_status call_release(struct run *run)
{
  return crtx_lock_release(lock_of(run), &error);
}

static const char *name_of_state(uint32_t state)
{
  static const char *const names[] = {"", "ABSENT", "HELD", "HELD_BY_THIS_PROCESS", "STALE", "MALFORMED"};
  return state < sizeof names / sizeof names[0] ? names[state] : "UNKNOWN";
}

static crtx_status put_marker(struct run *run, const crtx_marker *marker, crtx_status status)
{
  if (status == CRTX_OK) {
    put_text(run, "state", name_of_state(marker->state));
    add_result(run, "pid", text_printed("%" PRIu32, marker->pid));
    add_result(run, "acquired_at_unix_ns", text_printed("%" PRId64, marker->acquired_at_unix_ns));
    put_text(run, "acquired_at", marker->acquired_at);
    put_text(run, "host", marker->host);
    put_text(run, "deployment_id", marker->deployment_id);
    put_text(run, "operator_principal_id", marker->operator_principal_id);
    put_text(run, "scope", marker->scope);
    put_text(run, "restore_intent_blake3", marker->restore_intent_blake3);
    put_text(run, "marker_blake3", marker->marker_blake3);
  }
  return status;
}

static crtx_status call_marker(struct run *run)
{
  crtx_marker marker = CRTX_MARKER_INIT;
  return put_marker(run, &marker, crtx_lock_marker(lock_of(run), &marker, &error));
}

/* Puts `output` as a text. */
static crtx_status put_output(struct run *run, const char *name, crtx_status status)
{
  if (status == CRTX_OK) {
    add_result(run, name, text_of(output, needed - 1));
  }
  return status;
}

static crtx_status call_marker_path(struct run *run)
{
  return put_output(run, "path", crtx_lock_marker_path(lock_of(run), output, sizeof output, &needed, &error));
}

static crtx_status call_companion_path(struct run *run)
{
  return put_output(run, "path", crtx_lock_companion_path(lock_of(run), output, sizeof output, &needed, &error));
}

/* ---- a marker on disk ---- */

static crtx_status call_inspect(struct run *run)
{
  crtx_marker marker = CRTX_MARKER_INIT;
  return put_marker(run, &marker, crtx_marker_inspect(path_of(run), &marker, &error));
}

static crtx_status call_read_marker(struct run *run)
{
  return put_output(run, "bytes", crtx_marker_read(path_of(run), output, sizeof output, &needed, &error));
}

static crtx_status call_quarantine(struct run *run)
{
  crtx_signed_document document = document_of(run);
  return put_output(run, "stale_path", crtx_quarantine(path_of(run), &document, output, sizeof output, &needed, &error));
}

static crtx_status call_takeover(struct run *run)
{
  crtx_lock lock = CRTX_LOCK_INIT;
  crtx_signed_document document = document_of(run);
  crtx_lock_options options = options_of(run);
  crtx_status status =
      crtx_takeover(path_of(run), &document, &options, &lock, output, sizeof output, &needed, &error);
  if (status == CRTX_OK) {
    keep_lock(run, lock);
  }
  return put_output(run, "stale_path", status);
}

static crtx_status call_verify_takeover(struct run *run)
{
  crtx_signed_document document = document_of(run);
  return crtx_takeover_verify(path_of(run), &document, &error);
}

static crtx_status call_list_evidence(struct run *run)
{
  crtx_status status = crtx_evidence_list(path_of(run), output, sizeof output, &needed, &error);
  const char *path;
  int count = 0;
  for (path = output; status == CRTX_OK && *path != '\0'; path += strlen(path) + 1) {
    put_text(run, text_printed("%d", ++count).bytes, path);
  }
  if (status == CRTX_OK) {
    add_result(run, "count", text_printed("%d", count));
  }
  return status;
}

static crtx_status call_verify_evidence(struct run *run)
{
  struct text key = bytes_argument(run, "public_key");
  return crtx_evidence_verify(path_of(run), (const uint8_t *)key.bytes, key.length, &error);
}

/* ---- documents and keys ---- */

static crtx_status call_build_takeover(struct run *run)
{
  struct text key = bytes_argument(run, "public_key");
  crtx_status status = crtx_takeover_build(path_of(run), optional(run, "deployment_id"), (const uint8_t *)key.bytes,
                                           key.length, argument(run, "justification").bytes,
                                           (uint32_t)number_argument(run, "valid_for"), number_argument(run, "now"),
                                           output, sizeof output, &needed, &error);
  return put_output(run, "payload", status);
}

static crtx_status call_build_intent(struct run *run)
{
  struct text key = bytes_argument(run, "public_key");
  crtx_intent_expectation intent = intent_of(run);
  crtx_status status =
      crtx_intent_build(argument(run, "deployment_id").bytes, &intent, (const uint8_t *)key.bytes, key.length,
                        (uint32_t)number_argument(run, "valid_for"), number_argument(run, "now"), output,
                        sizeof output, &needed, &error);
  return put_output(run, "payload", status);
}

static crtx_status call_verify_intent(struct run *run)
{
  crtx_signed_document document = document_of(run);
  crtx_intent_expectation intent = intent_of(run);
  return put_output(run, "digest", crtx_intent_verify(&document, &intent, output, sizeof output, &needed, &error));
}

static crtx_status put_hex(struct run *run, const char *name, const uint8_t *bytes, size_t length, crtx_status status)
{
  if (status == CRTX_OK) {
    add_result(run, name, text_to_hex(text_of((const char *)bytes, length)));
  }
  return status;
}

static crtx_status call_sign(struct run *run)
{
  uint8_t signature[CRTX_SIGNATURE_SIZE];
  struct text seed = bytes_argument(run, "seed"), payload = argument(run, "payload");
  crtx_status status = crtx_sign((const uint8_t *)seed.bytes, seed.length, (const uint8_t *)payload.bytes,
                                 payload.length, signature, sizeof signature, &error);
  return put_hex(run, "signature", signature, sizeof signature, status);
}

static crtx_status call_public_key(struct run *run)
{
  uint8_t key[CRTX_PUBLIC_KEY_SIZE];
  struct text seed = bytes_argument(run, "seed");
  crtx_status status = crtx_public_key((const uint8_t *)seed.bytes, seed.length, key, sizeof key, &error);
  return put_hex(run, "public_key", key, sizeof key, status);
}

static crtx_status call_operator_principal(struct run *run)
{
  struct text key = bytes_argument(run, "public_key");
  return put_output(run, "principal", crtx_operator_principal((const uint8_t *)key.bytes, key.length, output,
                                                              sizeof output, &needed, &error));
}

static crtx_status call_blake3_file(struct run *run)
{
  return put_output(run, "digest", crtx_blake3_file(path_of(run), output, sizeof output, &needed, &error));
}

/* ---- about the library ---- */

static crtx_status call_status(struct run *run)
{
  crtx_status number = (crtx_status)number_argument(run, "number");
  put_text(run, "name", crtx_status_name(number));
  put_text(run, "message", crtx_status_message(number));
  return CRTX_OK;
}

static crtx_status call_version(struct run *run)
{
  put_text(run, "version", crtx_version());
  add_result(run, "abi_version", text_printed("%" PRIu32, crtx_abi_version()));
  return CRTX_OK;
}

#define CALL(verb) { #verb, call_##verb }

static const struct {
  const char *verb;
  crtx_status (*call)(struct run *run);
} calls[] = {
    CALL(acquire),        CALL(check),          CALL(leak),           CALL(release),        CALL(marker),
    CALL(marker_path),    CALL(companion_path), CALL(inspect),        CALL(read_marker),    CALL(quarantine),
    CALL(takeover),       CALL(verify_takeover), CALL(list_evidence), CALL(verify_evidence), CALL(build_takeover),
    CALL(build_intent),   CALL(verify_intent),  CALL(sign),           CALL(public_key),     CALL(operator_principal),
    CALL(blake3_file),    CALL(status),         CALL(version),
};

bool run_call(struct run *run)
{
  size_t i;
  for (i = 0; i < sizeof calls / sizeof calls[0]; i++) {
    if (strcmp(calls[i].verb, run->verb) == 0) {
      crtx_status status;
      memset(&error, 0, sizeof error);
      error.struct_size = sizeof error;
      status = calls[i].call(run);
      if (error.status != status) {
        stop_case(run, "the call answered %d, its error says %d", (int)status, (int)error.status);
      }
      run->status = text_from(crtx_status_name(status));
      if (status != CRTX_OK) {
        put_text(run, "state", name_of_state(error.marker_state));
        add_result(run, "os_error", text_printed("%" PRId32, error.os_error));
        put_text(run, "operation", error.operation);
        put_text(run, "message", error.message);
      }
      return true;
    }
  }
  return false;
}
