<?php
// PHP's fsockopen: say hi, print the answer.
$socket = @fsockopen(getenv('SERVER'), getenv('PORT'), $errno, $error);
if (!$socket) {
    fwrite(STDERR, "$error ($errno)\n");
    exit(1);
}
fwrite($socket, 'hi');
echo fread($socket, 2048), "\n";
