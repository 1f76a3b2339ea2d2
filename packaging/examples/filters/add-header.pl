#!/usr/bin/perl
# Puts a field on top of each message that names the client, and leaves the rest as it is.
use strict;
use warnings;

$| = 1;
my (%client, %begun);
print "register|report|smtp-in|link-connect\n", "register|report|smtp-in|link-disconnect\n",
    "register|report|smtp-in|tx-reset\n", "register|filter|smtp-in|data-line\n", "register|ready\n";
while (my $line = <STDIN>) {
    chomp $line;
    my ($kind, $version, $time, $in, $event, $session, $rest) = split /\|/, $line, 7;
    next unless defined $session;
    if ($event eq 'link-connect') { (undef, undef, $client{$session}) = split /\|/, $rest }
    elsif ($event eq 'link-disconnect') { delete $client{$session} }
    elsif ($event eq 'tx-reset') { delete $begun{$session} }
    elsif ($event eq 'data-line') {
        my ($token, $text) = split /\|/, $rest, 2;
        print "filter-dataline|$session|$token|X-Client: $client{$session}\n" unless $begun{$session}++;
        print "filter-dataline|$session|$token|$text\n";
    }
}
