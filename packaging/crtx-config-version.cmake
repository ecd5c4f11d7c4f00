# SPDX-License-Identifier: MIT OR Apache-2.0
# Every later version of the same ABI will do, see docs/abi.md; an older one may lack functions.

set(PACKAGE_VERSION 0.1.0)
set(PACKAGE_VERSION_COMPATIBLE FALSE)
set(PACKAGE_VERSION_EXACT FALSE)
if(NOT PACKAGE_FIND_VERSION VERSION_GREATER PACKAGE_VERSION)
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
endif()
if(PACKAGE_FIND_VERSION VERSION_EQUAL PACKAGE_VERSION)
  set(PACKAGE_VERSION_EXACT TRUE)
endif()
# A library for another pointer size is not usable, whatever its version.
if(CMAKE_SIZEOF_VOID_P AND NOT CMAKE_SIZEOF_VOID_P EQUAL 8)
  set(PACKAGE_VERSION "${PACKAGE_VERSION} (64 bits)")
  set(PACKAGE_VERSION_UNSUITABLE TRUE)
endif()
