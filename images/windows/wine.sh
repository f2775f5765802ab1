#!/bin/sh
# Takes out of Debian's wine64 and libwine (700 MB) what console programs need, with the
# paths it has there, into the folder $1; and makes a prefix for it, of which Windows' own
# folder is Wine's. The DLLs lose their debugging symbols, three quarters of their size.
set -eu
into=$1
wine=usr/lib/x86_64-linux-gnu/wine

# What any program has; the C and C++ runtimes; the network; what else is often imported.
dlls='ntdll kernel32 kernelbase apisetschema advapi32 sechost
    msvcrt ucrtbase vcruntime140 vcruntime140_1 msvcp140 msvcp_win
    ws2_32 wsock32 mswsock iphlpapi nsi dnsapi netapi32
    bcrypt ncrypt crypt32 secur32 normaliz rpcrt4 psapi userenv version mpr
    user32 gdi32 win32u imm32 shlwapi shcore shell32 ole32 combase oleaut32 winmm msacm32'
sos='ntdll ws2_32 bcrypt crypt32 dnsapi netapi32 secur32 win32u'

cd "$(mktemp -d)"
# user32 wants FreeType, and complains of each program's start without.
apt-get download -q -o APT::Sandbox::User=root wine64 libwine libz-mingw-w64 \
    libfreetype6 libpng16-16 libbrotli1
for package in *.deb; do
    dpkg-deb -x "$package" all
    rm "$package"
done
mkdir -p "$into/usr/lib/wine" "$into/usr/share/wine" \
    "$into/$wine/x86_64-windows" "$into/$wine/x86_64-unix"
cp all/usr/lib/wine/wine64 "$into/usr/lib/wine"
# By the name that wine64 looks for; Debian's wrapper scripts would tell it the other.
cp all/usr/lib/wine/wineserver64 "$into/usr/lib/wine/wineserver"
cp -r all/usr/share/wine/nls "$into/usr/share/wine"
for so in $sos; do
    cp "all/$wine/x86_64-unix/$so.so" "$into/$wine/x86_64-unix"
done
for dll in $dlls; do
    x86_64-w64-mingw32-strip -o "$into/$wine/x86_64-windows/$dll.dll" \
        "all/$wine/x86_64-windows/$dll.dll"
done
x86_64-w64-mingw32-strip -o "$into/$wine/x86_64-windows/conhost.exe" \
    "all/$wine/x86_64-windows/conhost.exe"
cp all/usr/x86_64-w64-mingw32/lib/zlib1.dll "$into/$wine/x86_64-windows"
cp -P all/usr/lib/x86_64-linux-gnu/*.so.* "$into/usr/lib/x86_64-linux-gnu"

prefix=$into/opt/errnolab/prefix
mkdir -p "$prefix/dosdevices" "$prefix/drive_c/windows"
ln -s ../drive_c "$prefix/dosdevices/c:"
ln -s / "$prefix/dosdevices/z:"
ln -s "/$wine/x86_64-windows" "$prefix/drive_c/windows/system32"
cp "$(dirname "$0")"/prefix/*.reg "$prefix"
rm -r all
