/* launch.exe VERDICT PROGRAM [ARG...]: run a program, and write how it ended into a file.

   Its own standard input and output are the program's. A process's status has 8 bits on the
   other side of Wine, and one whose wineserver was killed ends with 0 there: so the status
   goes into the file VERDICT, which is not made if none is known. Of a program that crashed
   the whole code is told on stderr, and the status is 139, which a shell gives to what ended
   by SIGSEGV. The program ends with this one, whatever ends it (a job).

   The status: the program's (its low 8 bits; 1 if these are 0 and the others not), 139 if it
   crashed, 126 if it could not be started. */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <stdio.h>
#include <wchar.h>

enum { CRASHED = 139, NOT_STARTED = 126 };

struct ending {
    DWORD code;
    const char *name;
    const char *what;
};

/* ntstatus.h; the last two have no name there. */
static const struct ending ENDINGS[] = {
    {0x80000003, "STATUS_BREAKPOINT", "crashed"},
    {0xC0000005, "STATUS_ACCESS_VIOLATION", "crashed"},
    {0xC0000006, "STATUS_IN_PAGE_ERROR", "crashed"},
    {0xC0000008, "STATUS_INVALID_HANDLE", "crashed"},
    {0xC0000017, "STATUS_NO_MEMORY", "crashed"},
    {0xC000001D, "STATUS_ILLEGAL_INSTRUCTION", "crashed"},
    {0xC000008C, "STATUS_ARRAY_BOUNDS_EXCEEDED", "crashed"},
    {0xC000008E, "STATUS_FLOAT_DIVIDE_BY_ZERO", "crashed"},
    {0xC0000094, "STATUS_INTEGER_DIVIDE_BY_ZERO", "crashed"},
    {0xC0000095, "STATUS_INTEGER_OVERFLOW", "crashed"},
    {0xC0000096, "STATUS_PRIVILEGED_INSTRUCTION", "crashed"},
    {0xC00000FD, "STATUS_STACK_OVERFLOW", "crashed"},
    {0xC0000135, "STATUS_DLL_NOT_FOUND", "could not start"},
    {0xC0000138, "STATUS_ORDINAL_NOT_FOUND", "could not start"},
    {0xC0000139, "STATUS_ENTRYPOINT_NOT_FOUND", "could not start"},
    {0xC000013A, "STATUS_CONTROL_C_EXIT", "was interrupted"},
    {0xC0000142, "STATUS_DLL_INIT_FAILED", "could not start"},
    {0xC000007B, "STATUS_INVALID_IMAGE_FORMAT", "could not start"},
    {0xC0000374, "STATUS_HEAP_CORRUPTION", "crashed"},
    {0xC0000409, "STATUS_STACK_BUFFER_OVERRUN", "crashed"},
    {0xC0000417, "STATUS_INVALID_CRUNTIME_PARAMETER", "crashed"},
    {0xC0000420, "STATUS_ASSERTION_FAILURE", "crashed"},
    {0xE06D7363, "a C++ exception that nothing caught", "crashed"},
};

/* Return how a program ended by its code, NULL if that is a status of its own. An unknown
   0xCxxxxxxx is an error of the system; -1 and its neighbours are what programs return. */
static const struct ending *ending_of(DWORD code)
{
    static const struct ending UNKNOWN = {0, "unknown", "crashed"};
    size_t at;

    for (at = 0; at < sizeof ENDINGS / sizeof ENDINGS[0]; at++) {
        if (ENDINGS[at].code == code) {
            return &ENDINGS[at];
        }
    }
    return code >> 28 == 0xC ? &UNKNOWN : NULL;
}

/* Return what follows the first word of a command line, as CommandLineToArgvW cuts it:
   in the program's own name a backslash is itself, and quotes go in pairs. */
static WCHAR *behind_first(WCHAR *line)
{
    BOOL quoted = FALSE;

    for (; *line && (quoted || (*line != L' ' && *line != L'\t')); line++) {
        if (*line == L'"') {
            quoted = !quoted;
        }
    }
    return line + wcsspn(line, L" \t");
}

/* Make a job whose processes end when the last handle of it is closed: with this process. */
static HANDLE job_that_ends(void)
{
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {0};
    HANDLE job = CreateJobObjectW(NULL, NULL);

    limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
    SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof limits);
    return job;
}

static int status_of(DWORD code, const WCHAR *program)
{
    const struct ending *ending = ending_of(code);

    if (ending != NULL) {
        fprintf(stderr, "errnolab-exe: %ls %s: 0x%08lX (%s)\n", program, ending->what,
                (unsigned long)code, ending->name);
        return CRASHED;
    }
    return code != 0 && (code & 0xFF) == 0 ? 1 : (int)(code & 0xFF);
}

/* Return a program's exit code. Not with WaitForSingleObject alone: when the wineserver is
   killed that waits for ever, while a question to it ends us. */
static DWORD code_at_end(HANDLE process)
{
    DWORD code = 0, rest_ms = 1;

    while (WaitForSingleObject(process, 0) == WAIT_TIMEOUT) {
        Sleep(rest_ms / 8 + 1);
        rest_ms += rest_ms < 400; /* from 1 ms to 50 ms, the longer it takes */
    }
    GetExitCodeProcess(process, &code);
    return code;
}

/* Run the program of a command line with our input and output; return its status. */
static int run(const WCHAR *program, WCHAR *line)
{
    STARTUPINFOW how = {0};
    PROCESS_INFORMATION started;

    /* No dialog and no debugger, which nobody could answer; the program inherits it. */
    SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX | SEM_NOOPENFILEERRORBOX);
    how.cb = sizeof how;
    how.dwFlags = STARTF_USESTDHANDLES;
    how.hStdInput = GetStdHandle(STD_INPUT_HANDLE);
    how.hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE);
    how.hStdError = GetStdHandle(STD_ERROR_HANDLE);
    if (!CreateProcessW(program, line, NULL, NULL, TRUE, CREATE_SUSPENDED, NULL, NULL, &how,
                        &started)) {
        fprintf(stderr, "errnolab-exe: %ls could not be started: error %lu\n", program,
                (unsigned long)GetLastError());
        return NOT_STARTED;
    }
    AssignProcessToJobObject(job_that_ends(), started.hProcess);
    ResumeThread(started.hThread);
    return status_of(code_at_end(started.hProcess), program);
}

/* Copy the first word of a command line, without its quotes; return whether it fits. */
static BOOL first_word(const WCHAR *line, WCHAR word[MAX_PATH])
{
    BOOL quoted = *line == L'"';
    size_t length = wcscspn(line + quoted, quoted ? L"\"" : L" \t");

    if (length == 0 || length >= MAX_PATH) {
        return FALSE;
    }
    wmemcpy(word, line + quoted, length);
    word[length] = L'\0';
    return TRUE;
}

int main(void)
{
    /* What is behind our own words is quoted already, and goes on as it came. */
    WCHAR *line = behind_first(GetCommandLineW()), verdict[MAX_PATH], program[MAX_PATH];
    int status = NOT_STARTED;
    FILE *file;

    if (!first_word(line, verdict) || !first_word(line = behind_first(line), program)) {
        fprintf(stderr, "errnolab-exe: give a program, with a path of less than %d\n", MAX_PATH);
    } else {
        status = run(program, line);
        file = _wfopen(verdict, L"wb");
        if (file != NULL) {
            fprintf(file, "%d\n", status);
            fclose(file);
        }
    }
    return status;
}
