#!/bin/sh
# Compiles what the tutorial says of Windows into the folder $1: its client as written, with the
# library that it names, and programs that show one thing each.
set -eu
into=$1
cd "$(dirname "$0")"

# The tutorial writes WS2tcpip.h, and on Windows the names of files have no case.
ln -sf ws2tcpip.h /usr/x86_64-w64-mingw32/include/WS2tcpip.h

cpp() {
    program=$1
    shift
    # The DLLs of g++ are not on Windows, nor in this image.
    x86_64-w64-mingw32-g++-win32 -static -s -o "$into/tutorial-$program.exe" "$@"
}

c() {
    x86_64-w64-mingw32-gcc-win32 -s -Wall -Wextra -Werror -o "$into/tutorial-$1.exe" "$2" -lws2_32
}

cpp client client.cpp -lwsock32
cpp client-corrected client-corrected.cpp -lws2_32
# Stops where an index is outside of its array; no library of AddressSanitizer is needed.
cpp client-checked -fsanitize=bounds -fsanitize-undefined-trap-on-error client.cpp -lwsock32
cpp client-protected -fstack-protector-all client.cpp -lwsock32
c startups startups.c
c left-open left_open.c
