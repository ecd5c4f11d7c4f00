/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "kit.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { INDENT = 17, PAGE = 80, BAR = 30 };

static int steps;
static long properties_shown;
static int progress_width; /* of the text that stands on the terminal's last line */

void title(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
  printf("\n\n");
}

void step(const char *label, const char *format, ...) {
  va_list arguments;
  printf("%2d  %-*s", ++steps, INDENT - 4, label);
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
  printf("\n");
  fflush(stdout); /* a child must not inherit text that waits to be written */
}

void line(const char *format, ...) {
  va_list arguments;
  printf("%*s", INDENT, "");
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
  printf("\n");
  fflush(stdout);
}

void paragraph(const char *text) {
  int column = INDENT;
  printf("%*s", INDENT, "");
  while (*text != '\0') {
    int word = (int)strcspn(text, " ");
    if (column > INDENT && column + 1 + word > PAGE) {
      printf("\n%*s", INDENT, "");
      column = INDENT;
    } else if (column > INDENT) {
      column += printf(" ");
    }
    column += printf("%.*s", word, text);
    text += word;
    text += strspn(text, " ");
  }
  printf("\n");
  fflush(stdout);
}

void progress(const char *verb, long done, long total, const char *unit) {
  char bar[BAR + 1];
  int filled = total > 0 ? (int)(done * BAR / total) : BAR;
  if (!isatty(STDOUT_FILENO)) return;
  memset(bar, '.', BAR);
  memset(bar, '#', (size_t)filled);
  bar[BAR] = '\0';
  progress_width = printf("\r%*s%s [%s] %s of %s %s", INDENT, "", verb, bar, grouped(done),
                          grouped(total), unit);
  fflush(stdout);
}

/* Overwritten with spaces: that needs no terminal control beyond the carriage return. */
void progress_end(void) {
  if (progress_width > 0) printf("\r%*s\r", progress_width, "");
  progress_width = 0;
  fflush(stdout);
}

const char *grouped(long number) {
  static char buffers[4][32];
  static int next;
  char digits[24];
  char *out = buffers[next = (next + 1) % 4];
  int length = snprintf(digits, sizeof digits, "%ld", number < 0 ? 0 : number);
  int i;
  for (i = 0; i < length; i++) {
    if (i > 0 && (length - i) % 3 == 0) *out++ = ',';
    *out++ = digits[i];
  }
  *out = '\0';
  return buffers[next];
}

/* A child's failure is for its parent to count. */
ENDS_PROGRAM LIKE_PRINTF(2, 0) static void end_in_failure(const char *what, const char *format,
                                                          va_list arguments) {
  progress_end();
  fprintf(stderr, "%s: ", what);
  vfprintf(stderr, format, arguments);
  fprintf(stderr, "\n");
  if (is_child()) _exit(EXIT_FAILURE);
  printf("\n%ld passed, 1 failed\n", properties_shown);
  exit(EXIT_FAILURE);
}

void shows(int held, const char *property, ...) {
  va_list arguments;
  va_start(arguments, property);
  if (!held) end_in_failure("NOT SO", property, arguments);
  properties_shown++;
  printf("%*sok  ", INDENT, "");
  vprintf(property, arguments);
  va_end(arguments);
  printf("\n");
  fflush(stdout);
}

void expect(int held, const char *format, ...) {
  va_list arguments;
  if (held) return;
  va_start(arguments, format);
  end_in_failure("EXPECTATION FAILED", format, arguments);
}

void expect_status(crtx_status got, crtx_status wanted, const crtx_error *error, const char *what) {
  expect(got == wanted, "%s: expected %s, got %s (%s: %s)", what, crtx_status_name(wanted),
         crtx_status_name(got), error->operation, error->message);
}

void give_up(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  end_in_failure("demo", format, arguments);
}

int closing_line(void) {
  printf("\n%ld passed, 0 failed\n", properties_shown);
  return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
