/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *allocate(size_t size)
{
  void *memory = calloc(1, size);
  if (memory == NULL) {
    perror("memory");
    exit(2);
  }
  return memory;
}

struct text text_of(const char *bytes, size_t length)
{
  struct text text;
  text.bytes = allocate(length + 1);
  memcpy(text.bytes, bytes, length);
  text.length = length;
  return text;
}

struct text text_from(const char *terminated)
{
  return text_of(terminated, strlen(terminated));
}

struct text text_printed(const char *format, ...)
{
  struct text text;
  va_list arguments;
  int length;
  va_start(arguments, format);
  length = vasprintf(&text.bytes, format, arguments);
  va_end(arguments);
  if (length < 0) {
    perror("memory");
    exit(2);
  }
  text.length = (size_t)length;
  return text;
}

struct text text_repeated(struct text text, size_t times)
{
  struct text repeated;
  size_t i;
  repeated.length = text.length * times;
  repeated.bytes = allocate(repeated.length + 1);
  for (i = 0; i < times; i++) {
    memcpy(repeated.bytes + i * text.length, text.bytes, text.length);
  }
  return repeated;
}

bool text_equals(struct text a, struct text b)
{
  return a.length == b.length && memcmp(a.bytes, b.bytes, a.length) == 0;
}

bool text_is(struct text text, const char *terminated)
{
  return strlen(terminated) == text.length && memcmp(text.bytes, terminated, text.length) == 0;
}

bool text_contains(struct text text, struct text part)
{
  return memmem(text.bytes, text.length, part.bytes, part.length) != NULL;
}

/* ---- escapes and hex ---- */

static int hex_digit(char digit)
{
  const char *digits = "0123456789abcdef";
  const char *found = digit == '\0' ? NULL : strchr(digits, digit);
  return found == NULL ? -1 : (int)(found - digits);
}

static bool hex_byte(const char *two, char *byte)
{
  int high = hex_digit(two[0]), low = high < 0 ? -1 : hex_digit(two[1]);
  *byte = (char)(high * 16 + low);
  return low >= 0;
}

static bool take_escape(const char *start, size_t left, char *byte, size_t *taken)
{
  *taken = 2;
  if (left < 2) {
    return false;
  }
  switch (start[1]) {
  case 'n':
    *byte = '\n';
    return true;
  case 't':
    *byte = '\t';
    return true;
  case '\\':
  case '"':
    *byte = start[1];
    return true;
  case 'x':
    *taken = 4;
    return left >= 4 && hex_byte(start + 2, byte);
  default:
    return false;
  }
}

bool text_unescaped(const char *start, size_t length, struct text *out)
{
  size_t from = 0, taken;
  *out = text_of("", 0);
  out->bytes = allocate(length + 1);
  while (from < length) {
    if (start[from] != '\\') {
      out->bytes[out->length++] = start[from++];
      continue;
    }
    if (!take_escape(start + from, length - from, &out->bytes[out->length++], &taken)) {
      return false;
    }
    from += taken;
  }
  return true;
}

struct text text_escaped(struct text text)
{
  struct text escaped;
  size_t i;
  escaped.bytes = allocate(4 * text.length + 1);
  escaped.length = 0;
  for (i = 0; i < text.length; i++) {
    unsigned char byte = (unsigned char)text.bytes[i];
    char *end = escaped.bytes + escaped.length;
    if (byte == '\n' || byte == '\t' || byte == '\\') {
      escaped.length += (size_t)sprintf(end, "\\%c", byte == '\n' ? 'n' : byte == '\t' ? 't' : '\\');
    } else if (byte < 0x20 || byte > 0x7e) {
      escaped.length += (size_t)sprintf(end, "\\x%02x", (unsigned)byte);
    } else {
      *end = (char)byte;
      escaped.length++;
    }
  }
  return escaped;
}

struct text text_to_hex(struct text text)
{
  struct text hex;
  size_t i;
  hex.length = 2 * text.length;
  hex.bytes = allocate(hex.length + 1);
  for (i = 0; i < text.length; i++) {
    sprintf(hex.bytes + 2 * i, "%02x", (unsigned)(unsigned char)text.bytes[i]);
  }
  return hex;
}

bool text_from_hex(struct text hex, struct text *out)
{
  size_t i;
  out->length = hex.length / 2;
  out->bytes = allocate(out->length + 1);
  for (i = 0; i < out->length; i++) {
    if (!hex_byte(hex.bytes + 2 * i, &out->bytes[i])) {
      return false;
    }
  }
  return hex.length % 2 == 0;
}

bool text_of_file(const char *path, struct text *out)
{
  size_t capacity = 1 << 16;
  FILE *file = fopen(path, "rbe");
  if (file == NULL) {
    return false;
  }
  out->bytes = allocate(capacity);
  out->length = 0;
  for (;;) {
    struct text larger;
    out->length += fread(out->bytes + out->length, 1, capacity - 1 - out->length, file);
    if (out->length < capacity - 1) {
      break;
    }
    capacity *= 2;
    larger.bytes = allocate(capacity);
    memcpy(larger.bytes, out->bytes, out->length);
    out->bytes = larger.bytes;
  }
  if (ferror(file)) {
    fclose(file);
    return false;
  }
  fclose(file);
  return true;
}

/* ---- variables ---- */

void set_variable(struct variable **variables, const char *name, struct text value, bool literal)
{
  struct variable *variable = allocate(sizeof *variable);
  variable->name = name;
  variable->value = value;
  variable->literal = literal;
  variable->next = *variables;
  *variables = variable;
}

static const struct variable *find_variable(const struct variable *variables, struct text name)
{
  while (variables != NULL && !text_is(name, variables->name)) {
    variables = variables->next;
  }
  return variables;
}

static void append(struct text *text, struct text more)
{
  struct text longer;
  longer.length = text->length + more.length;
  longer.bytes = allocate(longer.length + 1);
  memcpy(longer.bytes, text->bytes, text->length);
  memcpy(longer.bytes + text->length, more.bytes, more.length);
  *text = longer;
}

bool text_expanded(const struct variable *variables, struct text text, struct text *out, const char **unknown)
{
  size_t done = 0;
  *out = text_of("", 0);
  for (;;) {
    const char *start = memmem(text.bytes + done, text.length - done, "${", 2);
    const char *end = start == NULL ? NULL : strchr(start, '}');
    const struct variable *variable;
    struct text value;
    if (end == NULL) {
      append(out, text_of(text.bytes + done, text.length - done));
      return true;
    }
    append(out, text_of(text.bytes + done, (size_t)(start - text.bytes) - done));
    done = (size_t)(end + 1 - text.bytes);
    value = text_of(start + 2, (size_t)(end - start) - 2);
    variable = find_variable(variables, value);
    if (variable == NULL) {
      *unknown = value.bytes;
      return false;
    }
    value = variable->value;
    if (!variable->literal && !text_expanded(variables, value, &value, unknown)) {
      return false;
    }
    append(out, value);
  }
}
