# Tcl's socket: say hi, print the answer.
if {[catch {
    set connection [socket $env(SERVER) $env(PORT)]
    fconfigure $connection -buffering none -translation binary
    puts -nonewline $connection hi
    puts [read $connection 3]
} error]} {
    puts stderr $error
    exit 1
}
