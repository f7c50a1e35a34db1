# SPDX-License-Identifier: Apache-2.0
# Warnings, hardening and sanitizers for every target of the tree.
add_compile_options(
    -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wconversion -Wformat=2 -Wundef
    -Wpointer-arith -Wcast-align -Wswitch-enum
    -fno-omit-frame-pointer -fno-semantic-interposition -ffile-prefix-map=${CMAKE_SOURCE_DIR}=.
    -ffile-prefix-map=${CMAKE_BINARY_DIR}=./build)
if(DLFW_WERROR)
    add_compile_options(-Werror)
endif()
if(DLFW_SANITIZE)
    # -O1: the thread sanitizer's tests take two thirds of the time, and stacks stay readable
    add_compile_options(-O1 -fsanitize=${DLFW_SANITIZE} -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${DLFW_SANITIZE})
elseif(CMAKE_BUILD_TYPE STREQUAL "Release" OR CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
    add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection)
endif()
set(CMAKE_C_FLAGS_RELEASE "-O2 -g")
