# Perl's HTTP::Tiny: get the page.
use strict;
use warnings;
use HTTP::Tiny;

my $answer = HTTP::Tiny->new->get($ENV{URL});
$answer->{success} or die "$answer->{status} $answer->{reason}: $answer->{content}";
print $answer->{content};
