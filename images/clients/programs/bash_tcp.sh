#!/bin/bash
# bash's own /dev/tcp: say hi, print the answer.
set -e
exec 3<>"/dev/tcp/$SERVER/$PORT"
printf hi >&3
head -c 3 <&3
