#!/bin/sh
# Compiles the programs for Windows into the folder $1. A warning is an error.
set -eu
into=$1
cd "$(dirname "$0")"

# The libraries stand behind the sources: the linker looks for what it lacks so far.
compile() {
    program=$1
    shift
    x86_64-w64-mingw32-gcc-win32 -std=c11 -O2 -s -Wall -Wextra -Wpedantic -Werror \
        -o "$into/$program" "$@"
}

mkdir -p "$into"
compile errnolab-client.exe -municode client.c dial.c failure.c talk.c wsa.c -lws2_32
compile launch.exe launch.c
compile boot.exe boot.c -lntdll
compile caller.exe caller.c octets.c -lws2_32
