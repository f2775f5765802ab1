# Perl's LWP: get the page.
use strict;
use warnings;
use LWP::UserAgent;

my $answer = LWP::UserAgent->new->get($ENV{URL});
$answer->is_success or die $answer->status_line . "\n";
print $answer->decoded_content;
