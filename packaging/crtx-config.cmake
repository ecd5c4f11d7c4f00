# SPDX-License-Identifier: MIT OR Apache-2.0
# find_package(crtx) gives the targets crtx::shared and crtx::static.
# It looks only in the tree in which it stands, which may be moved as a whole.

get_filename_component(_crtx_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
# scripts/install.sh puts the directories that were chosen into these two lines, if they are not the usual ones.
set(_crtx_libdirs "")
set(_crtx_includedir include)
if(NOT _crtx_libdirs)
  # The usual ones: what is for other machines may be in `lib`.
  if(CMAKE_LIBRARY_ARCHITECTURE)
    list(APPEND _crtx_libdirs "lib/${CMAKE_LIBRARY_ARCHITECTURE}")
  endif()
  if(NOT CMAKE_SIZEOF_VOID_P EQUAL 4)
    list(APPEND _crtx_libdirs lib64)
  endif()
  list(APPEND _crtx_libdirs lib)
endif()
get_filename_component(_crtx_includedir "${_crtx_includedir}" ABSOLUTE BASE_DIR "${_crtx_prefix}")

foreach(_crtx_libdir IN LISTS _crtx_libdirs)
  get_filename_component(_crtx_libdir "${_crtx_libdir}" ABSOLUTE BASE_DIR "${_crtx_prefix}")
  if(NOT TARGET crtx::shared AND EXISTS "${_crtx_libdir}/libcrtx.so.1")
    add_library(crtx::shared SHARED IMPORTED)
    set_target_properties(crtx::shared PROPERTIES
      IMPORTED_LOCATION "${_crtx_libdir}/libcrtx.so.1"
      IMPORTED_SONAME libcrtx.so.1
      INTERFACE_INCLUDE_DIRECTORIES "${_crtx_includedir}")
  endif()
  if(NOT TARGET crtx::static AND EXISTS "${_crtx_libdir}/libcrtx.a")
    add_library(crtx::static STATIC IMPORTED)
    set_target_properties(crtx::static PROPERTIES
      IMPORTED_LOCATION "${_crtx_libdir}/libcrtx.a"
      INTERFACE_LINK_LIBRARIES "-lutil -lrt -lpthread -lm -ldl"
      INTERFACE_INCLUDE_DIRECTORIES "${_crtx_includedir}")
  endif()
endforeach()

# find_package(crtx COMPONENTS static) fails where only the shared library is installed.
if(NOT TARGET crtx::shared AND NOT TARGET crtx::static)
  set(crtx_FOUND FALSE)
  set(crtx_NOT_FOUND_MESSAGE "no library crtx below ${_crtx_prefix}")
endif()
foreach(_crtx_component IN LISTS crtx_FIND_COMPONENTS)
  if(TARGET crtx::${_crtx_component})
    set(crtx_${_crtx_component}_FOUND TRUE)
  elseif(crtx_FIND_REQUIRED_${_crtx_component})
    set(crtx_FOUND FALSE)
    set(crtx_NOT_FOUND_MESSAGE "crtx has no component ${_crtx_component} below ${_crtx_prefix}")
  endif()
endforeach()

unset(_crtx_prefix)
unset(_crtx_libdir)
unset(_crtx_libdirs)
unset(_crtx_includedir)
