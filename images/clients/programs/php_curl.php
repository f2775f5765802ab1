<?php
// PHP's curl: get the page.
$curl = curl_init(getenv('URL'));
if (!curl_exec($curl)) {
    fwrite(STDERR, curl_error($curl) . "\n");
    exit(1);
}
