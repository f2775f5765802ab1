/* In place of Wine's wineboot.exe, which would set up a whole Windows: tell those who wait
   for it that it is done. `boot.exe hold` waits for ever besides, and so keeps the
   wineserver and the event: no later program then has to wait for a start.

   Wine starts it before the first program (`wineboot.exe --init`), and every program that
   starts meanwhile waits up to five minutes for the event.
   Source: Wine 8.0, dlls/ntdll/unix/env.c and programs/wineboot/wineboot.c. */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <winternl.h>

#include <string.h>

/* Not in the headers: from the Windows Driver Kit's documentation. */
NTSTATUS NTAPI NtCreateEvent(HANDLE *event, ACCESS_MASK access, OBJECT_ATTRIBUTES *attributes,
                             int type, BOOLEAN signalled);

enum { NOTIFICATION_EVENT = 0, FAILED = 1, LOOK_EVERY_MS = 2000 };

int main(int count, char **arguments)
{
    static WCHAR text[] = L"\\KernelObjects\\__wineboot_event";
    UNICODE_STRING name;
    OBJECT_ATTRIBUTES attributes;
    HANDLE event;

    name.Buffer = text;
    name.Length = sizeof text - sizeof text[0];
    name.MaximumLength = sizeof text;
    InitializeObjectAttributes(&attributes, &name, OBJ_OPENIF, NULL, NULL);
    if (NtCreateEvent(&event, EVENT_ALL_ACCESS, &attributes, NOTIFICATION_EVENT, FALSE) < 0 ||
        !SetEvent(event)) {
        return FAILED;
    }
    if (count > 1 && strcmp(arguments[1], "hold") == 0) {
        /* The question ends us when the wineserver was killed; a wait would not. */
        while (SetEvent(event)) {
            Sleep(LOOK_EVERY_MS);
        }
    }
    return 0;
}
