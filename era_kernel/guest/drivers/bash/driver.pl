# The bash driver: speaks with the host on fds 3 and 4 and hands cells to one bash that lives as long as the session.
# Perl, as bash cannot cut binary messages; nothing beyond Debian's perl-base, which each Debian image has.
use strict;
use warnings;

use Cwd ();
BEGIN { my ($folder) = Cwd::abs_path(__FILE__) =~ m{(.*)/}s; unshift @INC, $folder }

use Era::Session;

exit Era::Session->new->serve;
