/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The ABI as the compiler sees it: constants, sizes, offsets and prototypes, each written down here
 * by hand. It is C89 and C++98 too, so that the headers mode can compile it as everything. The
 * numbers are those of 64-bit systems (x86_64 and aarch64, LP64 and LLP64 alike). */
#include <crtx.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* An array of size -1 does not compile. */
#define ASSERT_NAME_2(line) crtx_static_assert_at_line_##line
#define ASSERT_NAME(line) ASSERT_NAME_2(line)
#define STATIC_ASSERT(condition) typedef char ASSERT_NAME(__LINE__)[(condition) ? 1 : -1]
#define FIELD(type, field, offset, size) \
  STATIC_ASSERT(offsetof(type, field) == (offset) && sizeof(((type *)0)->field) == (size))

STATIC_ASSERT(sizeof(void *) == 8 && sizeof(size_t) == 8);

STATIC_ASSERT(CRTX_ABI_VERSION == 1);
STATIC_ASSERT(CRTX_DURABILITY_FULL == 0);
STATIC_ASSERT(CRTX_DURABILITY_PROCESS_CRASH == 1);
STATIC_ASSERT(CRTX_ALLOW_NETWORK_FILESYSTEM == 1);
STATIC_ASSERT(CRTX_ALLOW_SHARED_DIRECTORY == 2);
STATIC_ASSERT(CRTX_MARKER_ABSENT == 1);
STATIC_ASSERT(CRTX_MARKER_HELD == 2);
STATIC_ASSERT(CRTX_MARKER_HELD_BY_THIS_PROCESS == 3);
STATIC_ASSERT(CRTX_MARKER_STALE == 4);
STATIC_ASSERT(CRTX_MARKER_MALFORMED == 5);

STATIC_ASSERT(CRTX_SEED_SIZE == 32);
STATIC_ASSERT(CRTX_PUBLIC_KEY_SIZE == 32);
STATIC_ASSERT(CRTX_SIGNATURE_SIZE == 64);
STATIC_ASSERT(CRTX_DIGEST_SIZE == 72);
STATIC_ASSERT(CRTX_PRINCIPAL_SIZE == 74);
STATIC_ASSERT(CRTX_STALE_PATH_EXTRA == 32);

STATIC_ASSERT(CRTX_OK == 0);
STATIC_ASSERT(CRTX_E_INVALID_ARGUMENT == 1);
STATIC_ASSERT(CRTX_E_BAD_HANDLE == 2);
STATIC_ASSERT(CRTX_E_FORKED == 3);
STATIC_ASSERT(CRTX_E_BUFFER_TOO_SMALL == 4);
STATIC_ASSERT(CRTX_E_MARKER_EXISTS == 20);
STATIC_ASSERT(CRTX_E_CONTENDED == 21);
STATIC_ASSERT(CRTX_E_MARKER_ABSENT == 22);
STATIC_ASSERT(CRTX_E_LOST == 23);
STATIC_ASSERT(CRTX_E_IO == 40);
STATIC_ASSERT(CRTX_E_NO_PARENT_DIRECTORY == 41);
STATIC_ASSERT(CRTX_E_NOT_REGULAR_FILE == 42);
STATIC_ASSERT(CRTX_E_INSECURE_PERMISSIONS == 43);
STATIC_ASSERT(CRTX_E_UNSUPPORTED_FILESYSTEM == 44);
STATIC_ASSERT(CRTX_E_NAME_TOO_LONG == 45);
STATIC_ASSERT(CRTX_E_TOO_LARGE == 46);
STATIC_ASSERT(CRTX_E_MARKER_MALFORMED == 47);
STATIC_ASSERT(CRTX_E_UNTRUSTED_KEY == 60);
STATIC_ASSERT(CRTX_E_SIGNATURE_LENGTH == 61);
STATIC_ASSERT(CRTX_E_BAD_SIGNATURE == 62);
STATIC_ASSERT(CRTX_E_PAYLOAD_MALFORMED == 63);
STATIC_ASSERT(CRTX_E_KIND_MISMATCH == 64);
STATIC_ASSERT(CRTX_E_SCHEMA_MISMATCH == 65);
STATIC_ASSERT(CRTX_E_PRINCIPAL_MISMATCH == 66);
STATIC_ASSERT(CRTX_E_DEPLOYMENT_MISMATCH == 67);
STATIC_ASSERT(CRTX_E_NOT_YET_VALID == 68);
STATIC_ASSERT(CRTX_E_EXPIRED == 69);
STATIC_ASSERT(CRTX_E_WINDOW_INVALID == 70);
STATIC_ASSERT(CRTX_E_STALE_PID_MISMATCH == 71);
STATIC_ASSERT(CRTX_E_STALE_TIME_MISMATCH == 72);
STATIC_ASSERT(CRTX_E_STALE_DIGEST_MISMATCH == 73);
STATIC_ASSERT(CRTX_E_JUSTIFICATION_INVALID == 74);
STATIC_ASSERT(CRTX_E_PATH_MISMATCH == 75);
STATIC_ASSERT(CRTX_E_DIGEST_MISMATCH == 76);
STATIC_ASSERT(CRTX_E_EVIDENCE_INVALID == 77);
STATIC_ASSERT(CRTX_E_INTERNAL == 120);

STATIC_ASSERT(sizeof(crtx_status) == 4 && (crtx_status)-1 < 0);

STATIC_ASSERT(sizeof(crtx_lock) == 8);
FIELD(crtx_lock, opaque, 0, 8);

STATIC_ASSERT(sizeof(crtx_error) == 1104);
FIELD(crtx_error, struct_size, 0, 4);
FIELD(crtx_error, status, 4, 4);
FIELD(crtx_error, os_error, 8, 4);
FIELD(crtx_error, marker_state, 12, 4);
FIELD(crtx_error, operation, 16, 64);
FIELD(crtx_error, message, 80, 1024);

STATIC_ASSERT(sizeof(crtx_lock_options) == 56);
FIELD(crtx_lock_options, struct_size, 0, 4);
FIELD(crtx_lock_options, durability, 4, 4);
FIELD(crtx_lock_options, flags, 8, 8);
FIELD(crtx_lock_options, timeout_ms, 16, 4);
FIELD(crtx_lock_options, reserved, 20, 4);
FIELD(crtx_lock_options, deployment_id, 24, 8);
FIELD(crtx_lock_options, operator_principal_id, 32, 8);
FIELD(crtx_lock_options, restore_intent_blake3, 40, 8);
FIELD(crtx_lock_options, host, 48, 8);

STATIC_ASSERT(sizeof(crtx_marker) == 1048);
FIELD(crtx_marker, struct_size, 0, 4);
FIELD(crtx_marker, state, 4, 4);
FIELD(crtx_marker, pid, 8, 4);
FIELD(crtx_marker, reserved, 12, 4);
FIELD(crtx_marker, acquired_at_unix_ns, 16, 8);
FIELD(crtx_marker, acquired_at, 24, 64);
FIELD(crtx_marker, host, 88, 256);
FIELD(crtx_marker, deployment_id, 344, 256);
FIELD(crtx_marker, operator_principal_id, 600, 256);
FIELD(crtx_marker, scope, 856, 32);
FIELD(crtx_marker, restore_intent_blake3, 888, 80);
FIELD(crtx_marker, marker_blake3, 968, 80);

STATIC_ASSERT(sizeof(crtx_signed_document) == 72);
FIELD(crtx_signed_document, struct_size, 0, 4);
FIELD(crtx_signed_document, flags, 4, 4);
FIELD(crtx_signed_document, payload, 8, 8);
FIELD(crtx_signed_document, payload_len, 16, 8);
FIELD(crtx_signed_document, signature, 24, 8);
FIELD(crtx_signed_document, signature_len, 32, 8);
FIELD(crtx_signed_document, public_key, 40, 8);
FIELD(crtx_signed_document, public_key_len, 48, 8);
FIELD(crtx_signed_document, deployment_id, 56, 8);
FIELD(crtx_signed_document, now_unix_ns, 64, 8);

STATIC_ASSERT(sizeof(crtx_intent_expectation) == 48);
FIELD(crtx_intent_expectation, struct_size, 0, 4);
FIELD(crtx_intent_expectation, reserved, 4, 4);
FIELD(crtx_intent_expectation, active_db_path, 8, 8);
FIELD(crtx_intent_expectation, active_event_log_path, 16, 8);
FIELD(crtx_intent_expectation, backup_manifest_blake3, 24, 8);
FIELD(crtx_intent_expectation, staged_sqlite_blake3, 32, 8);
FIELD(crtx_intent_expectation, staged_jsonl_blake3, 40, 8);

/* Every function, with the type it must have: an assignment of another type does not compile. */
struct prototypes {
  crtx_status (*acquire)(const char *, const crtx_lock_options *, crtx_lock *, crtx_error *);
  crtx_status (*check)(crtx_lock, crtx_error *);
  crtx_status (*leak)(crtx_lock, crtx_error *);
  crtx_status (*release)(crtx_lock, crtx_error *);
  crtx_status (*marker)(crtx_lock, crtx_marker *, crtx_error *);
  crtx_status (*marker_path)(crtx_lock, char *, size_t, size_t *, crtx_error *);
  crtx_status (*companion_path)(crtx_lock, char *, size_t, size_t *, crtx_error *);
  crtx_status (*inspect)(const char *, crtx_marker *, crtx_error *);
  crtx_status (*read)(const char *, char *, size_t, size_t *, crtx_error *);
  crtx_status (*quarantine)(const char *, const crtx_signed_document *, char *, size_t, size_t *, crtx_error *);
  crtx_status (*takeover)(const char *, const crtx_signed_document *, const crtx_lock_options *, crtx_lock *, char *,
                          size_t, size_t *, crtx_error *);
  crtx_status (*takeover_verify)(const char *, const crtx_signed_document *, crtx_error *);
  crtx_status (*evidence_list)(const char *, char *, size_t, size_t *, crtx_error *);
  crtx_status (*evidence_verify)(const char *, const uint8_t *, size_t, crtx_error *);
  crtx_status (*takeover_build)(const char *, const char *, const uint8_t *, size_t, const char *, uint32_t, int64_t,
                                char *, size_t, size_t *, crtx_error *);
  crtx_status (*intent_build)(const char *, const crtx_intent_expectation *, const uint8_t *, size_t, uint32_t, int64_t,
                              char *, size_t, size_t *, crtx_error *);
  crtx_status (*intent_verify)(const crtx_signed_document *, const crtx_intent_expectation *, char *, size_t, size_t *,
                               crtx_error *);
  crtx_status (*sign)(const uint8_t *, size_t, const uint8_t *, size_t, uint8_t *, size_t, crtx_error *);
  crtx_status (*public_key)(const uint8_t *, size_t, uint8_t *, size_t, crtx_error *);
  crtx_status (*operator_principal)(const uint8_t *, size_t, char *, size_t, size_t *, crtx_error *);
  crtx_status (*blake3_file)(const char *, char *, size_t, size_t *, crtx_error *);
  const char *(*status_name)(crtx_status);
  const char *(*status_message)(crtx_status);
  const char *(*version)(void);
  uint32_t (*abi_version)(void);
};

static const struct prototypes functions = {
    crtx_lock_acquire,  crtx_lock_check,         crtx_lock_leak,       crtx_lock_release,    crtx_lock_marker,
    crtx_lock_marker_path, crtx_lock_companion_path, crtx_marker_inspect, crtx_marker_read,  crtx_quarantine,
    crtx_takeover,      crtx_takeover_verify,    crtx_evidence_list,   crtx_evidence_verify, crtx_takeover_build,
    crtx_intent_build,  crtx_intent_verify,      crtx_sign,            crtx_public_key,      crtx_operator_principal,
    crtx_blake3_file,   crtx_status_name,        crtx_status_message,  crtx_version,         crtx_abi_version};

/* The initialisers set the size, and nothing else. */
static int initialisers_are_right(void)
{
  static const crtx_error error = CRTX_ERROR_INIT;
  static const crtx_lock_options options = CRTX_LOCK_OPTIONS_INIT;
  static const crtx_marker marker = CRTX_MARKER_INIT;
  static const crtx_signed_document document = CRTX_SIGNED_DOCUMENT_INIT;
  static const crtx_intent_expectation expectation = CRTX_INTENT_EXPECTATION_INIT;
  return error.struct_size == 1104 && error.status == 0 && error.message[0] == '\0' && options.struct_size == 56 &&
         options.host == NULL && options.flags == 0 && marker.struct_size == 1048 && marker.state == 0 &&
         document.struct_size == 72 && document.payload == NULL && expectation.struct_size == 48 &&
         expectation.staged_jsonl_blake3 == NULL;
}

/* Without the harness, which is C99; the closing line is the same. */
int main(int argc, char **argv)
{
  int failed = 0;
  (void)argc, (void)argv;
  if (!initialisers_are_right()) {
    printf("FAIL the_initialisers_set_the_size_and_nothing_else\n");
    failed++;
  }
  if (functions.abi_version() != CRTX_ABI_VERSION || strcmp(functions.status_name(CRTX_OK), "CRTX_OK") != 0) {
    printf("FAIL the_library_is_of_the_headers_abi\n");
    failed++;
  }
  printf("%d passed, %d failed\n", 2 - failed, failed);
  return failed == 0 ? 0 : 1;
}
