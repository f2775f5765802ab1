# Perl's IO::Socket::IP: say hi, print the answer.
use strict;
use warnings;
use IO::Socket::IP;

my $socket = IO::Socket::IP->new(PeerHost => $ENV{SERVER}, PeerPort => $ENV{PORT})
    or die "$@\n";
$socket->print("hi");
defined $socket->sysread(my $answer, 2048) or die "$!\n";
print "$answer\n";
