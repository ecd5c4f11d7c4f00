/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The header must need nothing before it. Compiled as C and C++ of every standard, once as it is and
 * once with -DCRTX_TWICE. No line comments here: C89 has none. */
#include <crtx.h>
#ifdef CRTX_TWICE
#include <crtx.h>
#endif

extern crtx_lock crtx_header_lock;
extern crtx_error crtx_header_error;
extern crtx_lock_options crtx_header_options;
extern crtx_marker crtx_header_marker;
extern crtx_signed_document crtx_header_document;
extern crtx_intent_expectation crtx_header_expectation;

/* Definitions, so that the initialisers are compiled and -Wmissing-field-initializers sees them. */
crtx_lock crtx_header_lock = {0};
crtx_error crtx_header_error = CRTX_ERROR_INIT;
crtx_lock_options crtx_header_options = CRTX_LOCK_OPTIONS_INIT;
crtx_marker crtx_header_marker = CRTX_MARKER_INIT;
crtx_signed_document crtx_header_document = CRTX_SIGNED_DOCUMENT_INIT;
crtx_intent_expectation crtx_header_expectation = CRTX_INTENT_EXPECTATION_INIT;
