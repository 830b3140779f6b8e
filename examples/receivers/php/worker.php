<?php

declare(strict_types=1);

require __DIR__ . '/inbox.php';

$folder = getenv('DATA_DIR') ?: __DIR__;
$inbox = new Inbox($folder);

/** Yours. If the worker dies in it, it is called again: make it safe to repeat. */
function work(string $folder, string $id, array $event): void
{
    usleep((int) (1_000_000 * (float) (getenv('WORK_SECONDS') ?: 0))); // a slow CRM, to try things
    file_put_contents("$folder/worked.log", "$id {$event['type']}\n", FILE_APPEND | LOCK_EX);
}

while (true) {
    foreach ($inbox->pending() as $id) {
        work($folder, $id, $inbox->read($id));
        $inbox->finish($id);
    }
    clearstatcache();
    usleep(200_000);
}
