/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "judge.h"

#include "fail.h"
#include "mark.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CALLS = 64, MOST_QUARANTINED = 16 };

struct world {
  char marker[1024]; /* empty: none */
  size_t count;
  struct quarantined quarantined[MOST_QUARANTINED];
};

struct call {
  char name[32];
  size_t begun;
  size_t returned;
};

/* worlds[0] is before the first call, worlds[n] after the nth has returned. */
struct story {
  size_t count;
  struct call calls[MOST_CALLS];
  struct world worlds[MOST_CALLS + 1];
};

const char *verdict_text(enum verdict verdict)
{
  static const char *const texts[VERDICTS] = {
    "all is kept",
    "the file system did not mount",
    "the marker is torn",
    "the marker is lost",
    "a removed marker is back",
    "the quarantined marker is lost",
    "evidence is lost or torn",
    "the marker is lost under both names",
    "the marker is there under both names",
    "the lock cannot be used any more",
    "a state that no call makes",
  };
  return texts[verdict];
}

static void add_call(struct story *story, size_t index, const struct mark *begun)
{
  if (story->count == MOST_CALLS) {
    fail("too many calls");
  }
  strcpy(story->calls[story->count].name, begun->call);
  story->calls[story->count].begun = index;
  story->calls[story->count].returned = SIZE_MAX;
}

static void end_call(struct story *story, size_t index, const struct mark *returned)
{
  struct world *world = &story->worlds[story->count + 1];
  *world = story->worlds[story->count];
  memcpy(world->marker, returned->marker, sizeof world->marker);
  if (returned->quarantined.name[0] != '\0') {
    if (world->count == MOST_QUARANTINED) {
      fail("too many quarantined markers");
    }
    world->quarantined[world->count++] = returned->quarantined;
  }
  story->calls[story->count++].returned = index;
}

struct story *read_story(const struct journal *history)
{
  struct story *story = calloc(1, sizeof *story);
  size_t i;
  if (story == NULL) {
    fail("calloc");
  }
  for (i = 0; i < history->count; i++) {
    struct mark mark;
    if (history->records[i].kind == RECORD_MARK) {
      if (history->records[i].size != sizeof mark) {
        fail("a mark of another size");
      }
      memcpy(&mark, history->records[i].bytes, sizeof mark);
      (mark.returned ? end_call : add_call)(story, i, &mark);
    }
  }
  return story;
}

size_t story_calls(const struct story *story)
{
  return story->count;
}

static bool is_exactly(const struct found_file *file, const void *bytes, size_t size)
{
  return file != NULL && file->size == size && memcmp(file->bytes, bytes, size) == 0;
}

static bool is_text(const struct found_file *file, const char *text)
{
  return is_exactly(file, text, strlen(text));
}

static const struct found_file *find_with_suffix(const struct observation *observation, const char *name,
                                                 const char *suffix)
{
  char whole[256];
  snprintf(whole, sizeof whole, "%s%s", name, suffix);
  return find_file(observation, whole);
}

static bool has_marker(const struct observation *observation, const char *text)
{
  const struct found_file *marker = find_file(observation, MARKER_NAME);
  return text[0] == '\0' ? marker == NULL : is_text(marker, text);
}

static bool has_stale(const struct observation *observation, const struct quarantined *quarantined)
{
  return is_text(find_file(observation, quarantined->name), quarantined->marker);
}

static bool has_evidence(const struct observation *observation, const struct quarantined *quarantined)
{
  return is_text(find_with_suffix(observation, quarantined->name, ".attestation.json"), quarantined->payload) &&
         is_exactly(find_with_suffix(observation, quarantined->name, ".attestation.sig"), quarantined->signature,
                    sizeof quarantined->signature);
}

static bool is_stale_name(const char *name)
{
  return strncmp(name, MARKER_NAME ".stale-", strlen(MARKER_NAME ".stale-")) == 0 && strstr(name, ".attestation.") == NULL;
}

/* Evidence whose marker has not moved yet may be there, in part or whole: it is not looked at. */
static bool has_quarantined(const struct observation *observation, const struct world *world)
{
  size_t stale = 0;
  size_t i;
  for (i = 0; i < observation->count; i++) {
    stale += is_stale_name(observation->files[i].name);
  }
  for (i = 0; i < world->count; i++) {
    if (!has_stale(observation, &world->quarantined[i]) || !has_evidence(observation, &world->quarantined[i])) {
      return false;
    }
  }
  return stale == world->count;
}

static bool is_world(const struct observation *observation, const struct world *world)
{
  return has_marker(observation, world->marker) && has_quarantined(observation, world);
}

/* As at one moment while the call is at work: before it, after it, or between a takeover's renames. */
static bool is_between(const struct observation *observation, const struct world *before, const struct world *after)
{
  return is_world(observation, before) || is_world(observation, after) ||
         (after->count > before->count && has_marker(observation, "") && has_quarantined(observation, after));
}

/* A marker that is there, under whichever name, must be one that was published. */
static bool is_published(const struct story *story, const struct found_file *file)
{
  size_t i;
  for (i = 1; i <= story->count; i++) {
    if (is_text(file, story->worlds[i].marker)) {
      return true;
    }
  }
  return false;
}

static bool is_torn(const struct story *story, const struct observation *observation)
{
  size_t i;
  for (i = 0; i < observation->count; i++) {
    const struct found_file *file = &observation->files[i];
    if ((strcmp(file->name, MARKER_NAME) == 0 || is_stale_name(file->name)) &&
        (file->size == 0 || !is_published(story, file))) {
      return true;
    }
  }
  return false;
}

/* What is wrong with the marker that this call moves aside, or moved. */
static enum verdict name_move(const struct observation *observation, const struct world *before,
                              const struct quarantined *moved)
{
  bool at_its_place = has_marker(observation, before->marker);
  bool aside = has_stale(observation, moved);
  if (at_its_place || aside) {
    return at_its_place && aside ? TWICE : aside && !has_evidence(observation, moved) ? EVIDENCE_LOST : KEPT;
  }
  return BOTH_LOST;
}

static enum verdict name_loss(const struct observation *observation, const struct world *world)
{
  size_t i;
  for (i = 0; i < world->count; i++) {
    if (!has_stale(observation, &world->quarantined[i])) {
      return STALE_LOST;
    }
    if (!has_evidence(observation, &world->quarantined[i])) {
      return EVIDENCE_LOST;
    }
  }
  if (!has_marker(observation, world->marker)) {
    return world->marker[0] != '\0' && find_file(observation, MARKER_NAME) == NULL ? MARKER_LOST : MARKER_BACK;
  }
  return OTHER;
}

static enum verdict name_breach(const struct story *story, size_t returned, const struct observation *observation)
{
  size_t calls[2];
  size_t i;
  calls[0] = returned; /* in progress, or about to begin */
  calls[1] = returned - 1;
  for (i = 0; i < 2; i++) {
    if (calls[i] < story->count && story->worlds[calls[i] + 1].count > story->worlds[calls[i]].count) {
      const struct world *after = &story->worlds[calls[i] + 1];
      enum verdict verdict = name_move(observation, &story->worlds[calls[i]], &after->quarantined[after->count - 1]);
      if (verdict != KEPT) {
        return verdict;
      }
    }
  }
  return name_loss(observation, &story->worlds[returned]);
}

enum verdict judge(const struct story *story, size_t cut, const struct observation *observation, char *where,
                   size_t capacity)
{
  size_t returned = 0;
  bool at_work;
  while (returned < story->count && story->calls[returned].returned < cut) {
    returned++;
  }
  at_work = returned < story->count && story->calls[returned].begun < cut;
  snprintf(where, capacity, "%zu calls have returned, the last %s; %s is at work", returned,
           returned > 0 ? story->calls[returned - 1].name : "(none)",
           at_work ? story->calls[returned].name : "nothing");
  if (!observation->mounted) {
    return NOT_MOUNTED;
  }
  if (is_torn(story, observation)) {
    return TORN;
  }
  if (!is_world(observation, &story->worlds[returned]) &&
      (!at_work || !is_between(observation, &story->worlds[returned], &story->worlds[returned + 1]))) {
    return name_breach(story, returned, observation);
  }
  return observation->stuck[0] != '\0' ? STUCK : KEPT;
}
