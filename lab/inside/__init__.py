"""What runs inside a host: standard-library Python, sent over the host's channel.

A host has none of this in its image: `lab/hosts.py` sends these modules when it
opens the channel, and they are imported there under the same names. They import
nothing of `lab` but each other.

| module | what it does in the host |
|---|---|
| `agent` | answers requests: the table of operations |
| `programs` | runs programs |
| `lock` | keeps a second run, and health checks, out |
| `state` | counters, sysctls, snapshots; ends connections left behind |
| `journal` | makes and undoes faults, and remembers how |
| `capture` | captures packets |
| `states` | notes the states of TCP connections over time |
| `caller`, `calls` | the process that makes calls, and the calls, a module for each kind |
| `octets` | bytes as text, for a call and its answer; what is kept of a stream |
| `descendants` | ends what a program has started, wherever it has gone |
| `tracing` | the words that put a tracer before a program, and what it wrote |
| `function` | what a fresh interpreter runs to call a function of a user's test |
| `serving` | keeps a service of the user's; tells what listens |
| `bystander` | echoes beside a fault |
| `probe` | tries what this kernel can do |
"""
