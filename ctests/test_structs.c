/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Structs of callers older and newer than the library, buffers of every size, and made-up handles. */
#include "documents.h"
#include "files.h"
#include "harness.h"
#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LARGEST_STRUCT = 4096 };

/* A newer caller's struct: version 1 at its start, then a tail that this library does not know. */
union grown_options {
  crtx_lock_options options;
  unsigned char bytes[LARGEST_STRUCT + 8];
};

static crtx_status acquire_grown(union grown_options *grown, uint32_t size)
{
  crtx_lock lock = {77};
  crtx_status status;
  grown->options.struct_size = size;
  status = crtx_lock_acquire(at("store.lock"), &grown->options, &lock, &last_error);
  if (status == CRTX_OK) {
    CHECK_INT(crtx_lock_release(lock, NULL), CRTX_OK);
  } else {
    CHECK_INT(lock.opaque, 0);
  }
  return status;
}

static void options_of_other_sizes_are_accepted_only_with_a_zero_tail(void)
{
  union grown_options grown;
  memset(&grown, 0, sizeof grown);
  grown.options = usual_options();
  WANT(CRTX_OK, acquire_grown(&grown, sizeof(crtx_lock_options)));
  WANT(CRTX_OK, acquire_grown(&grown, sizeof(crtx_lock_options) + 1));
  WANT(CRTX_OK, acquire_grown(&grown, LARGEST_STRUCT));
  WANT(CRTX_E_INVALID_ARGUMENT, acquire_grown(&grown, LARGEST_STRUCT + 1));
  WANT(CRTX_E_INVALID_ARGUMENT, acquire_grown(&grown, UINT32_MAX));
  WANT(CRTX_E_INVALID_ARGUMENT, acquire_grown(&grown, sizeof(crtx_lock_options) - 1));
  WANT(CRTX_E_INVALID_ARGUMENT, acquire_grown(&grown, 4));
  WANT(CRTX_E_INVALID_ARGUMENT, acquire_grown(&grown, 0));
  grown.bytes[LARGEST_STRUCT - 1] = 1;
  WANT(CRTX_E_INVALID_ARGUMENT, acquire_grown(&grown, LARGEST_STRUCT));
  WANT(CRTX_OK, acquire_grown(&grown, LARGEST_STRUCT - 1));
  grown.bytes[sizeof(crtx_lock_options)] = 1;
  WANT(CRTX_E_INVALID_ARGUMENT, acquire_grown(&grown, sizeof(crtx_lock_options) + 1));
  WANT(CRTX_OK, acquire_grown(&grown, sizeof(crtx_lock_options)));
}

static void documents_and_expectations_of_other_sizes_are_treated_alike(void)
{
  static struct signed_text document;
  union {
    crtx_signed_document document;
    unsigned char bytes[256];
  } grown;
  union {
    crtx_intent_expectation expectation;
    unsigned char bytes[256];
  } grown_expectation;
  char digest[80];
  memset(&grown, 0, sizeof grown);
  memset(&grown_expectation, 0, sizeof grown_expectation);
  authorize(&document, FIXTURE_NOW);
  grown.document = document.document;
  grown_expectation.expectation = usual_expectation();
  grown.document.struct_size = sizeof grown;
  grown_expectation.expectation.struct_size = sizeof grown_expectation;
#define VERIFY crtx_intent_verify(&grown.document, &grown_expectation.expectation, digest, sizeof digest, NULL, &last_error)
  WANT(CRTX_OK, VERIFY);
  grown.bytes[255] = 1;
  WANT(CRTX_E_INVALID_ARGUMENT, VERIFY);
  grown.bytes[255] = 0;
  grown_expectation.bytes[sizeof(crtx_intent_expectation)] = 1;
  WANT(CRTX_E_INVALID_ARGUMENT, VERIFY);
  grown_expectation.expectation.struct_size = sizeof(crtx_intent_expectation) - 1;
  WANT(CRTX_E_INVALID_ARGUMENT, VERIFY);
  grown_expectation.expectation.struct_size = sizeof(crtx_intent_expectation);
  grown.document.struct_size = sizeof(crtx_signed_document) - 1;
  WANT(CRTX_E_INVALID_ARGUMENT, VERIFY);
#undef VERIFY
}

/* Inspects into a struct of `size` bytes at the end of a heap block, where a byte too many is caught
 * by valgrind and the sanitizers; copies what was written to `copy`. */
static crtx_status inspect_into(uint32_t size, unsigned char *copy)
{
  /* 8-byte aligned start, so the block's end may lie up to 7 bytes beyond the struct's */
  unsigned char *block = malloc(size < 8 ? 8 : size);
  crtx_status status;
  NEED_TRUE(block != NULL);
  memset(block, 0xee, size < 8 ? 8 : size);
  memcpy(block, &size, sizeof size);
  status = crtx_marker_inspect(at("store.lock"), (crtx_marker *)(void *)block, &last_error);
  memcpy(copy, block, size < 8 ? 8 : size);
  free(block);
  return status;
}

static void a_shorter_marker_struct_gets_whole_fields_and_zeros(void)
{
  unsigned char copy[LARGEST_STRUCT];
  crtx_marker marker;
  put_marker(at("store.lock"), 4711, LONG_AGO);
  NEED(CRTX_OK, inspect_into(sizeof marker, copy));
  memcpy(&marker, copy, sizeof marker);
  CHECK_TEXT(marker.scope, "production");
  NEED(CRTX_OK, inspect_into(8, copy));
  memset(&marker, 0, sizeof marker);
  memcpy(&marker, copy, 8);
  CHECK_INT(marker.state, CRTX_MARKER_STALE);
  /* One byte short of the host: the host's bytes there are zero, not half a name. */
  NEED(CRTX_OK, inspect_into(offsetof(crtx_marker, deployment_id) - 1, copy));
  memset(&marker, 0xee, sizeof marker);
  memcpy(&marker, copy, offsetof(crtx_marker, deployment_id) - 1);
  CHECK_TEXT(marker.acquired_at, LONG_AGO);
  CHECK_INT(marker.host[0], 0);
  CHECK_INT(marker.host[254], 0);
}

static void a_longer_marker_struct_gets_a_zero_tail(void)
{
  unsigned char copy[LARGEST_STRUCT];
  size_t i;
  bool zero = true;
  put_marker(at("store.lock"), 4711, LONG_AGO);
  NEED(CRTX_OK, inspect_into(LARGEST_STRUCT, copy));
  for (i = sizeof(crtx_marker); i < LARGEST_STRUCT; i++) {
    zero = zero && copy[i] == 0;
  }
  CHECK(zero);
}

static void marker_structs_of_impossible_sizes_are_refused_and_untouched(void)
{
  static const uint32_t sizes[] = {0, 4, 7};
  unsigned char copy[LARGEST_STRUCT];
  crtx_marker marker;
  crtx_lock lock;
  size_t i;
  put_marker(at("store.lock"), 4711, LONG_AGO);
  for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    WANT(CRTX_E_INVALID_ARGUMENT, inspect_into(sizes[i], copy));
    CHECK(copy[4] == 0xee && copy[7] == 0xee);
  }
  memset(&marker, 0xee, sizeof marker);
  marker.struct_size = LARGEST_STRUCT + 1;
  WANT(CRTX_E_INVALID_ARGUMENT, crtx_marker_inspect(at("store.lock"), &marker, &last_error));
  CHECK_INT(marker.state, 0xeeeeeeeeu);
  lock = hold(at("other.lock"));
  WANT(CRTX_E_INVALID_ARGUMENT, crtx_lock_marker(lock, &marker, &last_error));
  let_go(lock);
}

/* Provokes an error into a struct that says it has `size` bytes; the rest must stay 0xee. */
static void check_error_of_size(uint32_t size, size_t written)
{
  union {
    crtx_error error;
    unsigned char bytes[2048];
  } room;
  crtx_lock none = {0};
  size_t i;
  memset(&room, 0xee, sizeof room);
  room.error.struct_size = size;
  CHECK_INT(crtx_lock_release(none, &room.error), CRTX_E_BAD_HANDLE);
  CHECK_INT(room.error.struct_size, size);
  for (i = written < 4 ? 4 : written; i < sizeof room.bytes; i++) {
    if (room.bytes[i] != 0xee) {
      CHECK_INT(i, 0); /* the first byte that should not have been written */
      return;
    }
  }
  if (written >= 16) {
    CHECK_INT(room.error.status, CRTX_E_BAD_HANDLE);
    CHECK_INT(room.error.os_error, 0);
  }
  if (written >= 80) {
    CHECK(memchr(room.error.operation, '\0', sizeof room.error.operation) != NULL);
  }
}

static void an_error_struct_gets_the_whole_fields_that_fit_and_never_changes_the_result(void)
{
  check_error_of_size(0, 0);
  check_error_of_size(8, 0);
  check_error_of_size(15, 0);
  check_error_of_size(16, 16);
  check_error_of_size(79, 16);
  check_error_of_size(80, 80);
  check_error_of_size(1103, 80);
  check_error_of_size(1104, 1104);
  check_error_of_size(2048, 1104);
  check_error_of_size(UINT32_MAX, 1104);
}

static void an_error_struct_is_filled_on_success_too(void)
{
  crtx_lock lock = hold(at("store.lock"));
  memset(&last_error, 'x', sizeof last_error);
  last_error.struct_size = sizeof last_error;
  CHECK_INT(crtx_lock_check(lock, &last_error), CRTX_OK);
  CHECK_INT(last_error.status, CRTX_OK);
  CHECK_INT(last_error.os_error, 0);
  CHECK_TEXT(last_error.operation, "");
  CHECK_TEXT(last_error.message, "");
  let_go(lock);
}

/* Every text output obeys the same rules; the heap block has exactly the capacity. */
typedef crtx_status (*text_call)(char *buffer, size_t capacity, size_t *needed);

static crtx_lock shared_lock;
static struct signed_text shared_document;

static crtx_status call_marker_path(char *buffer, size_t capacity, size_t *needed)
{
  return crtx_lock_marker_path(shared_lock, buffer, capacity, needed, &last_error);
}

static crtx_status call_companion_path(char *buffer, size_t capacity, size_t *needed)
{
  return crtx_lock_companion_path(shared_lock, buffer, capacity, needed, &last_error);
}

static crtx_status call_read(char *buffer, size_t capacity, size_t *needed)
{
  return crtx_marker_read(at("store.lock"), buffer, capacity, needed, &last_error);
}

static crtx_status call_takeover_build(char *buffer, size_t capacity, size_t *needed)
{
  return crtx_takeover_build(at("store.lock"), NULL, shared_document.key, 32, "x", 60, FIXTURE_NOW, buffer, capacity,
                             needed, &last_error);
}

static crtx_status call_intent_build(char *buffer, size_t capacity, size_t *needed)
{
  crtx_intent_expectation expectation = usual_expectation();
  return crtx_intent_build(DEPLOYMENT, &expectation, shared_document.key, 32, 60, FIXTURE_NOW, buffer, capacity, needed,
                           &last_error);
}

static crtx_status call_intent_verify(char *buffer, size_t capacity, size_t *needed)
{
  crtx_intent_expectation expectation = usual_expectation();
  return crtx_intent_verify(&shared_document.document, &expectation, buffer, capacity, needed, &last_error);
}

static crtx_status call_principal(char *buffer, size_t capacity, size_t *needed)
{
  return crtx_operator_principal(shared_document.key, 32, buffer, capacity, needed, &last_error);
}

static crtx_status call_digest(char *buffer, size_t capacity, size_t *needed)
{
  return crtx_blake3_file(at("store.lock"), buffer, capacity, needed, &last_error);
}

static crtx_status call_list(char *buffer, size_t capacity, size_t *needed)
{
  return crtx_evidence_list(at("store.lock"), buffer, capacity, needed, &last_error);
}

static void check_text_output(text_call call)
{
  size_t needed = 0, again = 0;
  char *buffer, byte = 'u';
  WANT(CRTX_E_BUFFER_TOO_SMALL, call(NULL, 0, &needed));
  NEED_TRUE(needed > 0 && needed < 65536);
  WANT(CRTX_E_BUFFER_TOO_SMALL, call(&byte, 0, &again));
  CHECK_INT(again, needed);
  WANT(CRTX_E_BUFFER_TOO_SMALL, call(NULL, 0, NULL));
  buffer = malloc(needed);
  NEED_TRUE(buffer != NULL);
  memset(buffer, 'u', needed);
  WANT(CRTX_E_BUFFER_TOO_SMALL, call(buffer, needed - 1, &again));
  CHECK_INT(again, needed);
  CHECK(memchr(buffer, '\0', needed) == NULL);
  again = 0;
  WANT(CRTX_OK, call(buffer, needed, &again));
  CHECK_INT(again, needed);
  CHECK_INT(buffer[needed - 1], '\0');
  WANT(CRTX_OK, call(buffer, needed, NULL));
  CHECK_INT(byte, 'u');
  free(buffer);
}

static void every_text_output_tells_its_size_and_is_written_only_if_it_fits(void)
{
  static const text_call calls[] = {call_marker_path,   call_companion_path, call_read,   call_takeover_build, call_intent_build,
                                    call_intent_verify, call_principal,      call_digest, call_list};
  size_t i;
  shared_lock = hold(at("store.lock"));
  authorize(&shared_document, FIXTURE_NOW);
  put_text(at("store.lock.stale-20240101T000000Z"), "x");
  for (i = 0; i < sizeof calls / sizeof calls[0]; i++) {
    check_text_output(calls[i]);
  }
  let_go(shared_lock);
}

static void want_bad_handle(uint64_t opaque)
{
  crtx_lock lock;
  lock.opaque = opaque;
  if (!WANT(CRTX_E_BAD_HANDLE, crtx_lock_check(lock, &last_error)) +
      !WANT(CRTX_E_BAD_HANDLE, crtx_lock_leak(lock, &last_error)) +
      !WANT(CRTX_E_BAD_HANDLE, crtx_lock_release(lock, &last_error)) > 0) {
    printf("  with the handle %llx\n", (unsigned long long)opaque);
  }
}

static void zero_and_made_up_handles_are_bad(void)
{
  crtx_lock lock = hold(at("store.lock"));
  int bit;
  want_bad_handle(0);
  want_bad_handle(1);
  want_bad_handle(UINT64_MAX);
  for (bit = 0; bit < 64; bit++) {
    want_bad_handle(UINT64_C(1) << bit);
    want_bad_handle(lock.opaque ^ (UINT64_C(1) << bit));
  }
  let_go(lock);
}

#ifndef _WIN32 /* no fork */
static void hand_over_a_lock(void *channel)
{
  crtx_lock lock = hold(at("other.lock"));
  NEED_TRUE(write(*(int *)channel, &lock, sizeof lock) == (ssize_t)sizeof lock);
  let_go(lock);
}

static void the_handle_of_another_process_is_bad(void)
{
  int ends[2];
  crtx_lock lock;
  NEED_TRUE(pipe(ends) == 0);
  in_child(hand_over_a_lock, &ends[1]);
  NEED_TRUE(read(ends[0], &lock, sizeof lock) == (ssize_t)sizeof lock);
  close(ends[0]);
  close(ends[1]);
  want_bad_handle(lock.opaque);
}
#endif

int main(int argc, char **argv)
{
  static const struct test_case cases[] = {
      CASE(options_of_other_sizes_are_accepted_only_with_a_zero_tail),
      CASE(documents_and_expectations_of_other_sizes_are_treated_alike),
      CASE(a_shorter_marker_struct_gets_whole_fields_and_zeros),
      CASE(a_longer_marker_struct_gets_a_zero_tail),
      CASE(marker_structs_of_impossible_sizes_are_refused_and_untouched),
      CASE(an_error_struct_gets_the_whole_fields_that_fit_and_never_changes_the_result),
      CASE(an_error_struct_is_filled_on_success_too),
      CASE(every_text_output_tells_its_size_and_is_written_only_if_it_fits),
      CASE(zero_and_made_up_handles_are_bad),
#ifndef _WIN32
      CASE(the_handle_of_another_process_is_bad),
#endif
  };
  return RUN(cases, argc, argv);
}
