# SPDX-License-Identifier: MIT OR Apache-2.0
"""Structs, constants and prototypes are those of the C header."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import header
import pytest

import crtx
from crtx import _abi

STRUCTS: dict[str, Any] = {
    "crtx_lock": _abi.LockHandle,
    "crtx_error": _abi.Error,
    "crtx_lock_options": _abi.LockOptions,
    "crtx_marker": _abi.Marker,
    "crtx_signed_document": _abi.SignedDocument,
    "crtx_intent_expectation": _abi.IntentExpectation,
}

# The names that a parameter type may have in ctypes. Binary inputs are bytes, or read in place.
TYPES: dict[str, tuple[object, ...]] = {
    "crtx_status": (ctypes.c_int32,),
    "int64_t": (ctypes.c_int64,),
    "uint32_t": (ctypes.c_uint32,),
    "size_t": (ctypes.c_size_t,),
    "size_t *": (ctypes.POINTER(ctypes.c_size_t),),
    "char *": (ctypes.c_void_p,),
    "uint8_t *": (ctypes.c_void_p,),
    "const char *": (ctypes.c_char_p,),
    "const uint8_t *": (ctypes.c_char_p, ctypes.c_void_p),
    "crtx_lock": (_abi.LockHandle,),
    "crtx_lock *": (ctypes.POINTER(_abi.LockHandle),),
    "crtx_error *": (ctypes.POINTER(_abi.Error),),
    "crtx_marker *": (ctypes.POINTER(_abi.Marker),),
    "const crtx_lock_options *": (ctypes.POINTER(_abi.LockOptions),),
    "const crtx_signed_document *": (ctypes.POINTER(_abi.SignedDocument),),
    "const crtx_intent_expectation *": (ctypes.POINTER(_abi.IntentExpectation),),
}


def test_structs_have_the_sizes_and_offsets_that_the_c_compiler_gives_them(place: Path) -> None:
    lines = ["#include <stdio.h>", '#include "crtx.h"', "int main(void) {"]
    expected = []
    for name, struct in STRUCTS.items():
        lines.append(f'printf("{name} %zu\\n", sizeof({name}));')
        expected.append(f"{name} {ctypes.sizeof(struct)}")
        for field, *_ in struct._fields_:
            where = f"offsetof({name}, {field}), sizeof((({name} *)0)->{field})"
            lines.append(f'printf("{name}.{field} %zu %zu\\n", {where});')
            offset = getattr(struct, field)
            expected.append(f"{name}.{field} {offset.offset} {offset.size}")
    printed = header.run_c("\n".join([*lines, "return 0; }"]), place)
    assert printed.splitlines() == expected


def test_every_field_of_every_struct_is_declared() -> None:
    text = header._without_comments()
    for name, struct in STRUCTS.items():
        body = text.split(f"typedef struct {name} {{")[1].split(f"}} {name};")[0]
        fields = [
            line.split("[")[0].rstrip(";").split()[-1].lstrip("*")
            for line in body.splitlines()
            if line.strip().endswith(";")
        ]
        assert fields == [field for field, *_ in struct._fields_]


def test_every_constant_has_the_number_of_the_header() -> None:
    known = {f"CRTX_{name}": number for name, number in vars(_abi).items() if type(number) is int}
    known["CRTX_OK"] = crtx.Status.OK
    known.update({f"CRTX_E_{status.name}": status for status in crtx.Status if status})
    known.update({f"CRTX_MARKER_{state.name}": state for state in crtx.MarkerState})
    assert known == header.constants()


def test_every_function_is_declared_with_the_types_of_the_header() -> None:
    functions = header.functions()
    assert set(functions) == set(_abi.PROTOTYPES)
    for name, (result, parameters) in functions.items():
        declared_result, declared = _abi.PROTOTYPES[name]
        assert declared_result in TYPES[result], name
        assert len(declared) == len(parameters), name
        for one, parameter in zip(declared, parameters):
            assert one in TYPES[parameter], (name, parameter)


def test_the_loaded_library_has_the_abi_version_of_the_header() -> None:
    assert crtx.abi_version() == header.constants()["CRTX_ABI_VERSION"]


def test_structs_that_begin_with_their_size_begin_with_their_size() -> None:
    for name, struct in STRUCTS.items():
        if name != "crtx_lock":
            assert struct().struct_size == ctypes.sizeof(struct)


@pytest.mark.parametrize("status", list(crtx.Status))
def test_status_names_are_those_of_the_library(status: crtx.Status) -> None:
    prefix = "CRTX_" if status == crtx.Status.OK else "CRTX_E_"
    assert crtx.status_name(status) == prefix + status.name
    assert crtx.status_message(status).endswith(".")


def test_a_number_that_the_library_does_not_know_has_a_name_too() -> None:
    assert crtx.status_name(999) == "CRTX_E_UNKNOWN"
    assert crtx.status_message(-1)


def test_the_package_has_the_version_of_its_library() -> None:
    assert crtx.__version__ == crtx.version()
