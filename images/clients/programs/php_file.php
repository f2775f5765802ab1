<?php
// PHP's file_get_contents: get the page. What went wrong it says as a warning.
$page = file_get_contents(getenv('URL'));
if ($page === false) {
    exit(1);
}
echo $page;
